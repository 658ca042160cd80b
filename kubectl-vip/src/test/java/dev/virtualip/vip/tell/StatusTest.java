package dev.virtualip.vip.tell;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class StatusTest {
  private static final String FAILED =
      """
      {status: {master: node-b, nodes: {
        node-a: {state: Fault, reason: CheckFailed(nginx), message: 'connect refused 127.0.0.1:80'},
        node-b: {state: Master, reason: MasterResigned}},
        conditions: [{type: Accepted, status: 'True', reason: Accepted, message: 2 nodes selected},
          {type: Ready, status: 'True', reason: Serving, message: node-b is master},
          {type: Degraded, status: 'True', reason: NodesMissing, message: 1 of 2 nodes can serve}]}}
      """;

  private static void assertLines(String expected, List<String> lines) {
    assertEquals(expected, String.join("\n", lines) + "\n");
  }

  @Test
  void aLineForEachVirtualIp() {
    var drained =
        """
        {metadata: {name: mail}, spec: {addresses: [{address: 203.0.113.20/24},
          {address: 203.0.113.21/24}]}, status: {nodes: {node-b: {priority: 1}},
          handOvers: {node-b: {priority: 1, reason: Drain(cordoned)}}}}
        """;
    var made = "{metadata: {name: young}, status: null}";
    assertLines(
        """
        NAME   ADDRESS             MASTER        OTHERS                       READY  LAST MOVE
        mail   203.0.113.20/24 +1  node-a (100)  node-b (1: Drain(cordoned))  True   3m40s ago to node-a, Preempted
        web    203.0.113.10/24     node-b (80)   node-a Fault                 True   3m40s ago to node-a, Preempted
        young  203.0.113.10/24     -             -                            -      -
        """,
        Status.table(List.of(Web.vip(drained), Web.vip(FAILED), Web.vip(made)), Web.NOW, false));
  }

  @Test
  void wideHasVridNicAndReason() {
    assertLines(
        """
        NAME  ADDRESS          MASTER        OTHERS       READY  LAST MOVE                       VRID  NIC   REASON
        web   203.0.113.10/24  node-a (100)  node-b (80)  True   3m40s ago to node-a, Preempted  77    eth0  Serving
        """,
        Status.table(List.of(Web.vip()), Web.NOW, true));
  }

  @Test
  void oneVirtualIpWithItsNodesAndMoves() {
    assertLines(
        """
        web: 203.0.113.10/24, VRID 77 on eth0
        Accepted=True Accepted: 2 nodes selected
        Ready=True Serving: node-b is master
        Degraded=True NodesMissing: 1 of 2 nodes can serve

        NODE    STATE   SINCE  REASON                                            PRIORITY
        node-a  Fault   3m40s  CheckFailed(nginx): connect refused 127.0.0.1:80  100 (spec.nodes.overrides)
        node-b  Master  3m40s  MasterResigned                                    80 (spec.nodes.overrides)

        AGO    NODE    MOVE             WHY                        TOOK
        3m40s  node-b  Master > Backup  HigherPriority(10.0.0.11)  4.09ms
        3m40s  node-a  Backup > Master  Preempted                  4.67ms
        3m54s  node-a  Fault > Backup   Recovered                  2.27ms
        3m58s  node-b  Backup > Master  MasterResigned             2.14ms
        3m58s  node-a  Master > Fault   CheckFailed(nginx)         11.31ms
        """,
        Status.of(Web.vip(FAILED), Web.NOW));
  }

  @Test
  void aStatusOfNonsenseIsShownAllTheSame() {
    var nonsense =
        """
        {status: {conditions: null, nodes: {node-a: null, node-b: {state: null, priority: null,
          since: yesterday, history: [{at: never, to: Master, took: long}]}}}}
        """;
    assertLines(
        """
        web: 203.0.113.10/24, VRID 77 on eth0

        NODE    STATE  SINCE  REASON                     PRIORITY
        node-b  null   ?      HigherPriority(10.0.0.11)  none yet
        """,
        Status.of(Web.vip(nonsense), Web.NOW));
  }
}
