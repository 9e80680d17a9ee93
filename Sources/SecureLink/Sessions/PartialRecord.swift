import Basics
import ProtocolCore
import WireCoding

/// The beginning of a record that has not arrived completely, in memory for the whole record.
///
/// It is confined to its session's thread.
struct PartialRecord: ~Copyable {
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    /// The number of bytes that have arrived.
    private(set) var count = 0
    /// The size of the record in bytes, once its header has arrived.
    private var length: Int?

    deinit {
        if let memory { BulkMemory.deallocate(memory) }
    }

    /// The bytes that have arrived.
    var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: memory, count: count) }

    /// The memory for the missing bytes; empty if there is no record or its size is not known yet.
    var missing: UnsafeMutableRawBufferPointer {
        guard let memory, let length else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        return UnsafeMutableRawBufferPointer(start: memory + count, count: length - count)
    }

    /// Whether the record is complete.
    var isWhole: Bool { count == length }

    /// Counts `fresh` bytes that were read into ``missing``.
    mutating func took(_ fresh: Int) {
        count += fresh
    }

    /// Keeps the beginning of a record, with memory for the whole of it.
    mutating func keep(_ beginning: UnsafeRawBufferPointer) {
        // The session has checked the header before, and closes a link with an invalid one.
        let length = try? RecordHeader.measure(beginning, maxPlaintext: RecordHeader.maxPlaintext)
        reserve(max(length ?? RecordHeader.count, beginning.count))
        if let memory, let source = beginning.baseAddress {
            memory.copyMemory(from: source, byteCount: beginning.count)
        }
        count = beginning.count
        self.length = length
    }

    /// Forgets the record but keeps the memory: endpoints may still refer to bytes of the record.
    mutating func clear() {
        count = 0
        length = nil
    }

    /// Frees the memory, unless it holds bytes.
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
