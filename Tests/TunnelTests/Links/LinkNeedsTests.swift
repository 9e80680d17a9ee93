import Testing

@testable import Tunnel

@Suite struct LinkNeedsTests {
    @Test func aWorkerSeesTheLargestNeedOfTheOthers() {
        let needs = LinkNeeds(workers: 3)
        #expect(needs.most(beside: 0) == 0)
        needs.set(4, of: 0)
        needs.set(2, of: 1)
        #expect(needs.most(beside: 0) == 2, "its own need is not the others'")
        #expect(needs.most(beside: 1) == 4)
        #expect(needs.most(beside: 2) == 4)
        needs.set(1, of: 0)
        #expect(needs.most(beside: 2) == 2)
    }
}
