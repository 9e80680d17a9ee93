import Basics
import ProtocolCoreTesting
import Testing

@testable import ProtocolCore

@Suite struct StreamTableTests {
    @Test func aHandleOfARemovedStreamIsInvalidEvenIfItsSlotIsReused() {
        var table = StreamTable()
        let old = table.insert(stream(1))
        #expect(table.contains(old))
        table.remove(old)
        #expect(!table.contains(old))
        let new = table.insert(stream(3))
        #expect(new.slot == old.slot)
        #expect(!table.contains(old))
        #expect(table.contains(new))
        #expect(table.slot(of: old.id) == nil)
        #expect(table.slot(of: new.id) == new.slot)
    }

    @Test func theTableShrinksWhenAllStreamsAreRemoved() {
        var table = StreamTable()
        let manyStreams = (0..<1000).map { table.insert(stream(UInt32($0 * 2 + 1))) }
        for handle in manyStreams { table.remove(handle) }
        #expect(table.count == 0)
        #expect(manyStreams.allSatisfy { !table.contains($0) })
        #expect(table.insert(stream(5001)).slot == 0)
    }

    @Test func noStreamHasTheNumberZero() {
        var table = StreamTable()
        let handle = table.insert(stream(1))
        table.remove(handle)
        #expect(table.slot(of: StreamID(rawValue: 0)) == nil)
    }

    @Test(arguments: Seeds.some(10)) func aRandomHistoryMatchesADictionary(seed: UInt64) {
        var random = SplitMix(seed: seed)
        var table = StreamTable()
        var model: [UInt32: StreamHandle] = [:]
        var gone: [StreamHandle] = []
        var taken: Set<Int> = []
        for step in 0..<3000 {
            if random.chance(55) || model.isEmpty {
                let id = UInt32(step * 2 + 1)
                let handle = table.insert(stream(id))
                expect(taken.insert(handle.slot).inserted)
                model[id] = handle
            } else if let id = model.keys.min(), let handle = model[id] {
                table.remove(handle)
                taken.remove(handle.slot)
                model[id] = nil
                gone.append(handle)
            }
            #expect(table.count == model.count)
            if random.chance(2) {
                for handle in Array(model.values).prefix(random.chance(20) ? .max : 3) {
                    model[handle.id.rawValue] = nil
                    taken.remove(handle.slot)
                    table.remove(handle)
                }
            }
        }
        #expect(model.allSatisfy { table.contains($0.value) && table.slot(of: $0.value.id) == $0.value.slot })
        #expect(gone.allSatisfy { !table.contains($0) })
        #expect(Set(table.handles) == Set(model.values))
    }

    private func stream(_ id: UInt32) -> SessionStream {
        SessionStream(
            id: StreamID(rawValue: id),
            isOurs: true,
            openedAt: Instant(nanoseconds: 0),
            sendWindow: SendWindow(limit: 0),
            receiveWindow: ReceiveWindow(size: 0)
        )
    }
}
