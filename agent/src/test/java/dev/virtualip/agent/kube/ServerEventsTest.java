package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.schema.VirtualIpStatus.DownServer;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.schema.VirtualIpStatus.VirtualServerStatus;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ServerEventsTest {
  private static final NodeStatus ALL_UP = status(State.Master, true, 3);
  private static final NodeStatus ONE_DOWN = status(State.Master, true, 2, "10.0.0.21");

  private static NodeStatus status(State state, boolean held, int up, String... down) {
    var servers =
        Stream.of(down).map(address -> new DownServer(address, 80, "connect refused")).toList();
    var server = new VirtualServerStatus("http", held, up, 2, up, down.length, servers);
    return new NodeStatus(state, 100, null, null, null, null, null, null)
        .withVirtualServers(List.of(server));
  }

  private static List<String> events(NodeStatus before, NodeStatus now) {
    return ServerEvents.of("node-a", before, now).stream()
        .map(e -> (e.warning() ? "Warning " : "") + e.reason() + " " + e.message() + e.detail())
        .toList();
  }

  @Test
  void aServerThatIsDownIsNamedWithTheReasonAndOneThatIsBackIsToo() {
    assertEquals(
        List.of(
            "Warning ServerDown virtual server http on node-a has lost a server: 10.0.0.21:80"
                + " (connect refused); 2 of 3 servers are up"),
        events(ALL_UP, ONE_DOWN));
    assertEquals(
        List.of(
            "ServerUp virtual server http on node-a has a server back: 10.0.0.21:80; 3 of 3"
                + " servers are up"),
        events(ONE_DOWN, ALL_UP));
  }

  @Test
  void aServerThatIsRemovedWhileItIsDownIsNotBack() {
    assertEquals(List.of(), events(ONE_DOWN, status(State.Master, true, 2)));
  }

  @Test
  void aQuorumThatIsLostAndRegainedIsTold() {
    var lost = status(State.Master, false, 1, "10.0.0.21", "10.0.0.22");
    var told =
        "Warning QuorumLost virtual server http on node-a has lost its quorum: weight 1 is up, the"
            + " quorum is 2";
    assertEquals(told, events(ONE_DOWN, lost).getLast());
    assertEquals(
        "QuorumRegained virtual server http on node-a has its quorum again: weight 2 is up, the"
            + " quorum is 2",
        events(lost, ONE_DOWN).getLast());
  }

  @Test
  void aNewMasterTellsWhatIsLostAndNotWhatItKnewBefore() {
    var backup = status(State.Backup, false, 1, "10.0.0.21", "10.0.0.22");
    var master = status(State.Master, false, 1, "10.0.0.21", "10.0.0.22");
    assertEquals(1, events(backup, master).size());
    assertEquals(List.of(), events(status(State.Backup, true, 3), ONE_DOWN));
  }

  @Test
  void allServersOfAVirtualServerShareAnEvent() {
    var first = ServerEvents.of("node-a", ALL_UP, ONE_DOWN).getFirst();
    var other = status(State.Master, true, 2, "10.0.0.22");
    var second = ServerEvents.of("node-a", ALL_UP, other).getFirst();
    assertEquals(first.message(), second.message());
  }
}
