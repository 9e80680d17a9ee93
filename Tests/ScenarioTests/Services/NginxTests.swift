import Glibc
import Testing

/// nginx through the tunnel, with curl and wrk as clients.
@Suite(.serialized, .enabled(if: Program.areThere("nginx", "curl", "wrk"), "\(Program.missing)"))
struct NginxTests {
    private let nginx: Service
    private let pair: TunnelPair

    init() throws {
        let folder = try TemporaryFolder()
        let address = try PlainAddress.free()
        for name in ["root", "received", "scratch"] { mkdir("\(folder.path)/\(name)", 0o755) }
        try folder.file("root/small", "as small as an answer can be\n", mode: 0o644)
        // As root, nginx must keep running as root, because root owns the folder.
        let file = try folder.file(
            "nginx.conf",
            """
            \(getuid() == 0 ? "user root;" : "")
            daemon off;
            worker_processes 1;
            pid \(folder.path)/nginx.pid;
            error_log stderr warn;
            events { worker_connections 1024; }
            http {
                access_log off;
                default_type application/octet-stream;
                keepalive_requests 100000;
                client_max_body_size 1g;
                client_body_temp_path \(folder.path)/received;
                proxy_temp_path \(folder.path)/scratch;
                fastcgi_temp_path \(folder.path)/scratch;
                uwsgi_temp_path \(folder.path)/scratch;
                scgi_temp_path \(folder.path)/scratch;
                server {
                    listen \(address);
                    root \(folder.path)/root;
                    # Keeps what it gets; the answer comes from itself, by a way that reads the whole request.
                    location /upload {
                        client_body_in_file_only on;
                        proxy_method GET;
                        proxy_pass_request_body off;
                        proxy_set_header Content-Length "";
                        proxy_pass http://\(address)/small;
                    }
                    # Ends the connection after each answer.
                    location /closing/ {
                        alias \(folder.path)/root/;
                        keepalive_timeout 0;
                    }
                }
            }

            """
        )
        nginx = try Service(
            [Program.path("nginx"), "-c", file, "-p", folder.path, "-e", "stderr"],
            in: folder,
            at: address
        )
        try nginx.waitUntilItAnswers()
        pair = try TunnelPair(to: address)
    }

    private func url(_ path: String) -> String { "http://\(pair.entry)/\(path)" }

    @Test func aDownloadOf300MiBHasTheChecksumOfTheFile() throws {
        let file = try nginx.folder.randomFile("root/large", mebibytes: 300)
        let copy = "\(pair.folder.path)/copy"
        try Program.run("curl", "-sSf", "-o", copy, url("large"), in: pair.folder)
        #expect(try pair.folder.sha256(copy) == pair.folder.sha256(file))
    }

    @Test func anUploadOf100MiBHasTheChecksumOfTheFile() throws {
        let file = try pair.folder.randomFile("large", mebibytes: 100)
        let answer = try Program.run("curl", "-sSf", "-X", "POST", "-T", file, url("upload"), in: pair.folder)
        #expect(answer == "as small as an answer can be\n")
        let received = try #require(Program.names(in: "\(nginx.folder.path)/received").first)
        #expect(
            try pair.folder.sha256("\(nginx.folder.path)/received/\(received)") == pair.folder.sha256(file)
        )
    }

    @Test func anAnswerDelimitedByTheEndOfTheConnectionIsComplete() throws {
        let file = try nginx.folder.randomFile("root/middle", mebibytes: 8)
        let wanted = try #require(TemporaryFolder.readBytes(file))
        for header in ["HTTP/1.0", "HTTP/1.1\r\nHost: here\r\nConnection: close"] {
            let visitor = try pair.connect()
            try visitor.write("GET /closing/middle \(header)\r\n\r\n")
            let answer = try visitor.readToEnd()
            #expect(answer.end == .end)
            #expect(answer.bytes.suffix(wanted.count) == wanted[...] ? true : false)
            #expect(answer.bytes.starts(with: Array("HTTP/1.1 200 OK\r\n".utf8)))
        }
    }

    @Test func aThousandRequestsOnOneConnectionAreAllAnswered() throws {
        let answers = try Program.run(
            "curl",
            "-sSf",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{num_connects}\n",
            url("small?[1-1000]"),
            in: pair.folder
        )
        let lines = answers.split(separator: "\n")
        #expect(lines.count == 1000)
        #expect(lines.filter { $0 == "200 1" }.count == 1)
        #expect(lines.filter { $0 == "200 0" }.count == 999)
        try pair.client.line(with: "stream closed")
        #expect(pair.client.lines(with: "stream closed").count == 1)
    }

    @Test(arguments: [[], ["-H", "Connection: close"]])
    func wrkReportsNoErrors(headers: [String]) throws {
        let wrk = try Child(
            [Program.path("wrk"), "-t", "1", "-c", "50", "-d", "3"] + headers + [url("small")],
            in: pair.folder
        )
        #expect(try wrk.wait() == .exited(0))
        #expect(wrk.output.contains("requests in"))
        #expect(!wrk.output.contains("Socket errors") && !wrk.output.contains("Non-2xx"), "\(wrk.output)")
    }
}
