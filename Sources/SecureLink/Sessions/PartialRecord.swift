import Basics
import ProtocolCore
import WireCoding

/// The beginning of a record whose rest has not come, in memory that the rest is read into.
///
/// Confined to its session's thread.
struct PartialRecord: ~Copyable {
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    /// How many bytes of it have come.
    private(set) var count = 0
    /// How long the record is, once its header has come.
    private var length: Int?

    deinit {
        if let memory { BulkMemory.deallocate(memory) }
    }

    /// What has come.
    var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: memory, count: count) }

    /// Where the rest of the record belongs; empty when there is no record, or when its length is not known yet.
    var missing: UnsafeMutableRawBufferPointer {
        guard let memory, let length else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        return UnsafeMutableRawBufferPointer(start: memory + count, count: length - count)
    }

    /// Whether the record is whole.
    var isWhole: Bool { count == length }

    /// So many bytes were put where they were missing.
    mutating func took(_ fresh: Int) {
        count += fresh
    }

    /// Keeps the beginning of a record, with memory for the whole of it.
    mutating func keep(_ beginning: UnsafeRawBufferPointer) {
        // The session has looked at it before, and would have broken with the link for a header that it does not take.
        let length = try? RecordHeader.measure(beginning, maxPlaintext: RecordHeader.maxPlaintext)
        reserve(max(length ?? RecordHeader.count, beginning.count))
        if let memory, let source = beginning.baseAddress {
            memory.copyMemory(from: source, byteCount: beginning.count)
        }
        count = beginning.count
        self.length = length
    }

    /// Forgets the record, but not the memory: what was read out of it may still be on its way.
    mutating func clear() {
        count = 0
        length = nil
    }

    /// Gives the memory back, unless there is something in it.
    mutating func rest() {
        guard count == 0, let memory else { return }
        BulkMemory.deallocate(memory)
        self.memory = nil
        capacity = 0
    }

    private mutating func reserve(_ least: Int) {
        guard capacity < least else { return }
        if let memory { BulkMemory.deallocate(memory) }
        memory = BulkMemory.allocate(byteCount: least)
        capacity = least
    }
}
