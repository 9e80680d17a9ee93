import Platform
import TunnelCommand

exit(runSallyport(Array(CommandLine.arguments.dropFirst())))
