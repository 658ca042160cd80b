package dev.virtualip.vip.tell;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class TimelineTest {
  private static void assertTimeline(String expected, String patch) {
    assertEquals(expected, String.join("\n", Timeline.of(Web.vip(patch))) + "\n");
  }

  @Test
  void movesAreWaterfallsAndADrillTellsWhatAClientLost() {
    assertTimeline(
        """
        web: times in UTC, as each node's clock has them

        2026-11-25 04:16:01.208 to 04:16:01.896, 688 ms
          NODE    CHANGE           WHY                                                     AFTER   TOOK
          node-a  Master > Fault   CheckFailed(nginx)  |#                               |  0 ms    11.31ms: decided 4.19ms, resigned 6.51ms, released 10.71ms
          node-b  Backup > Master  MasterResigned      |                               #|  686 ms  2.14ms: decided 0.62ms, advert 1.02ms, bound 1.59ms, announced 1.96ms

        2026-11-25 04:16:05.207 to 04:16:05.210, 2.3 ms
          NODE    CHANGE          WHY                                            AFTER  TOOK
          node-a  Fault > Backup  Recovered  |################################|  0 ms   2.27ms: decided 2.18ms, released 2.24ms

        2026-11-25 04:16:19.583 to 04:16:19.589, 6.1 ms
          NODE    CHANGE           WHY                                                            AFTER  TOOK
          node-a  Backup > Master  Preempted                  |#########################       |  0 ms   4.67ms: decided 0.61ms, advert 1.48ms, bound 4.38ms, announced 4.53ms
          node-b  Master > Backup  HigherPriority(10.0.0.11)  |          ######################|  2 ms   4.09ms: decided 0.59ms, released 1.41ms, advert 3.96ms
          drill from node-b to node-a: a client was without service for 22 ms
        """,
        """
        {status: {lastDrill: {at: '2026-11-25T04:16:19.500Z', kind: Switch, from: node-b, to: node-a,
          lostMillis: 22}}}
        """);
  }

  @Test
  void aDrillThatIsOlderThanAllMovesIsToldAtTheEnd() {
    assertTimeline(
        """
        web: no node has changed its state since its agent started

        2026-11-24T00:00:00Z, drill from node-a to node-b: a client was without service for 22 ms, and for 31 ms while it moved back
        """,
        """
        {status: {nodes: null, lastDrill: {at: '2026-11-24T00:00:00Z', kind: Switch, from: node-a,
          to: node-b, lostMillis: 22, backLostMillis: 31}}}
        """);
  }
}
