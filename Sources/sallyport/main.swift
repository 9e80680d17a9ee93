import Glibc
import TunnelCommand

exit(runSallyport(Array(CommandLine.arguments.dropFirst())))
