package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.lvs.OneVirtualServer;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.crds.schema.VirtualIpStatus.DownServer;
import dev.virtualip.crds.schema.VirtualIpStatus.VirtualServerStatus;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RealServersTest {
  private final FakeNode node = new FakeNode();
  private final RealServers servers = new RealServers(node.node);

  private static InstanceConfig config(int count) {
    var addresses =
        IntStream.range(0, count)
            .mapToObj(i -> "{address: 10.0.1.%d}".formatted(i))
            .collect(Collectors.joining(", "));
    return OneVirtualServer.config(addresses, "quorum: 2", "checks: [{name: tcp, tcp: {}}]");
  }

  private void fails(int server) {
    var name = "http/10.0.1.%d/0/tcp".formatted(server);
    assertTrue(servers.take("web", FakeNode.failed(name, "connect refused")), name);
  }

  private VirtualServerStatus http() {
    return servers.status().getFirst();
  }

  @Test
  void withoutVirtualServersThereIsNoStatus() {
    assertNull(servers.status());
  }

  @Test
  void serversThatAreDownAreToldWithTheReasonAndTheOthersCounted() {
    servers.update(config(3));
    assertEquals(new VirtualServerStatus("http", true, 3, 2, 3, 0, null), http());
    fails(1);
    assertEquals(List.of(new DownServer("10.0.1.1", null, "connect refused")), http().down());
    assertEquals(List.of(2, 1), List.of(http().serversUp(), http().serversDown()));
    assertTrue(http().up());
    fails(2);
    assertEquals(List.of(false, 1), List.of(http().up(), http().weightUp()));
  }

  @Test
  void ofManyServersThatAreDownEightAreTold() {
    servers.update(config(100));
    IntStream.range(0, 100).forEach(this::fails);
    assertEquals(100, http().serversDown());
    assertEquals(8, http().down().size());
  }

  @Test
  void anEditIsInTheStatusAtOnce() {
    servers.update(config(3));
    fails(2);
    servers.update(config(2));
    assertEquals(new VirtualServerStatus("http", true, 2, 2, 2, 0, null), http());
  }

  @Test
  void aCheckOfAllServersOfAVirtualServerHasOneLabel() {
    assertEquals("http/tcp", ServerCheck.label("http/10.0.1.1/0/tcp"));
    assertEquals("http/tcp", ServerCheck.label("http/2001:db8::1/8443/tcp"));
    assertEquals("nginx", ServerCheck.label("nginx"));
  }
}
