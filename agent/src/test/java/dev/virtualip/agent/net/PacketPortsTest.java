package dev.virtualip.agent.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.net.Link.HardwareAddress;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PacketPortsTest {
  private static final Link NIC =
      new Link(2, "eth0", true, new HardwareAddress(new byte[] {2, 0, 0, 0, 0, 2}), 1500);

  private final List<String> log = new ArrayList<>();
  private final PacketPorts ports =
      new PacketPorts(
          (_, receiver) -> {
            var kind = receiver == null ? "sender" : "receiver";
            log.add("open " + kind);
            return port(kind);
          },
          (_, _) -> {},
          null,
          (_, _) -> {
            log.add("open prober");
            return port("prober");
          });

  private PacketPort port(String kind) {
    return new PacketPort() {
      @Override
      public void send(byte[] frame) {
        log.add("send by " + kind);
      }

      @Override
      public void join(InetAddress source) {}

      @Override
      public void close() {
        log.add("close " + kind);
      }
    };
  }

  @Test
  void aLinkOnWhichNobodyListensHasNoPortThatReceives() throws IOException {
    ports.openToSend(NIC).send(new byte[0]);
    ports.openToSend(NIC).send(new byte[0]);
    assertEquals(List.of("open sender", "send by sender", "send by sender"), log);
  }

  @Test
  void aPortThatReceivesSendsToo() throws IOException {
    ports.open(NIC);
    ports.openToSend(NIC).send(new byte[0]);
    assertEquals(List.of("open receiver", "send by receiver"), log);
  }

  @Test
  void aPortThatHearsAnswersIsThereAsLongAsItsLinkIsProbed() throws IOException {
    ports.open(NIC);
    ports.openToProbe(NIC).send(new byte[0]);
    ports.retainProbers(Set.of(NIC.index()));
    ports.openToProbe(NIC).send(new byte[0]);
    assertTrue(ports.areProbing());
    ports.retainProbers(Set.of());
    assertFalse(ports.areProbing());
    ports.openToProbe(NIC);
    ports.close(NIC.index());
    assertFalse(ports.areProbing());
    assertEquals(
        List.of(
            "open receiver",
            "open prober",
            "send by prober",
            "send by prober",
            "close prober",
            "open prober",
            "close receiver",
            "close prober"),
        log);
  }

  @Test
  void allPortsOfALinkAreClosedWithIt() throws IOException {
    ports.openToSend(NIC);
    ports.open(NIC);
    log.clear();
    ports.close(NIC.index());
    ports.close(NIC.index());
    assertEquals(List.of("close receiver", "close sender"), log);
  }
}
