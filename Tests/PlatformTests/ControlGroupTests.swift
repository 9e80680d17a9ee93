import Foundation
import Testing

@testable import Platform

@Suite struct ControlGroupTests {
    /// A control group in a temporary tree with these files.
    private func group(_ path: String, _ files: [String: String]) throws -> ControlGroup {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("groups-\(UUID())").path
        for (name, text) in files {
            let file = "\(root)/\(name)"
            try FileManager.default.createDirectory(
                atPath: (file as NSString).deletingLastPathComponent,
                withIntermediateDirectories: true
            )
            try text.write(toFile: file, atomically: false, encoding: .utf8)
        }
        return ControlGroup(root: root, memberships: "4:memory:/elsewhere\n0::\(path)\n")
    }

    @Test func aContainersLimitsAreReadFromTheRoot() throws {
        let group = try group("/", ["memory.max": "1073741824\n", "cpu.max": "150000 100000\n"])
        #expect(group.memory == 1 << 30)
        #expect(group.processors == 1.5)
    }

    @Test func theLowestLimitOfAllParentGroupsApplies() throws {
        let group = try group(
            "/system.slice/tunnel.service",
            [
                "system.slice/tunnel.service/memory.max": "max\n",
                "system.slice/memory.max": "2147483648\n",
                "system.slice/tunnel.service/cpu.max": "50000 100000\n",
                "system.slice/cpu.max": "max 100000\n",
                "other.slice/memory.max": "1\n",
            ]
        )
        #expect(group.memory == 2 << 30)
        #expect(group.processors == 0.5)
    }

    @Test func aGroupWithoutALimitIsUnlimited() throws {
        let unlimited = try group("/a", ["a/memory.max": "max\n", "a/cpu.max": "max 100000\n"])
        #expect(unlimited.memory == nil)
        #expect(unlimited.processors == nil)
        let absent = ControlGroup(root: "/nonexistent", memberships: "1:cpu:/\n")
        #expect(absent.memory == nil)
        #expect(absent.processors == nil)
    }

    @Test(arguments: ["", "0\n", "0 0\n", "-1 100000\n", "nan 100000\n", "x y\n"])
    func anInvalidQuotaIsIgnored(text: String) throws {
        #expect(try group("/", ["cpu.max": text]).processors == nil)
    }

    @Test func theSizeOfTheMachineFollowsTheLimitsOfTheGroup() throws {
        func machine(_ quota: String) throws -> MachineSize {
            MachineSize(
                online: 8,
                physicalMemory: 4 << 30,
                group: try group("/", ["cpu.max": quota, "memory.max": "1073741824"])
            )
        }
        let rationed = try machine("150000 100000")
        #expect(rationed.cores == 2)
        #expect(rationed.memory == 1 << 30)
        #expect(rationed.hasCPUQuota)
        let generous = try machine("1600000 100000")
        #expect(generous.cores == 8)
        #expect(!generous.hasCPUQuota)
        #expect(try machine("1000 100000").cores == 1)
        #expect(try machine("1e300 1").cores == 8)
    }
}
