package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.linux.Pcap4jPacketPort;
import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.Frames.Claim;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Frames by libpcap, from one end of a cable to the other. */
@InLab
class PacketPortIT {
  private static final HexFormat HEX = HexFormat.of();
  private static final Duration SOON = Duration.ofSeconds(60);

  /** A VRRP message with one address. */
  private static final int MESSAGE = 12;

  /** As many as there are VRIDs: all masters of a node resign at once. */
  private static final int BURST = 255;

  /** Jumbo frames leave room for the fewest. */
  @ParameterizedTest
  @ValueSource(ints = {1_500, 9_000})
  void aBurstByAPortThatOnlySendsIsReceivedWholeByAReaderThatIsBusy(int mtu) throws Exception {
    try (var lab = Lab.open()) {
      lab.control().sh("ip link add here type veth peer name there");
      lab.control().sh("ip link set here up; ip link set there up");
      var busy = new CountDownLatch(1);
      var received = new AtomicInteger();
      try (var here = Pcap4jPacketPort.open(link("here", mtu), null);
          var _ =
              Pcap4jPacketPort.open(
                  link("there", mtu),
                  (_, _) -> {
                    await(busy);
                    received.incrementAndGet();
                  })) {
        var frame =
            Frames.advertisement(
                link("here", mtu).mac(), InetAddress.ofLiteral("192.0.2.1"), 1, new byte[MESSAGE]);
        for (int i = 0; i < BURST; i++) {
          here.send(frame);
        }
        busy.countDown();
        Await.until("all adverts", SOON, received::get, count -> count == BURST);
      } finally {
        busy.countDown();
        lab.control().sh("ip link del here");
      }
    }
  }

  /** On a trunk all VLANs' adverts come by; the kernel hands their tags over beside the frame. */
  @Test
  void aPriorityTagIsTakenOffAndFramesOfAVlanAreNotReceived() throws Exception {
    try (var lab = Lab.open()) {
      lab.control().sh("ip link add here type veth peer name there");
      lab.control().sh("ip link set here up; ip link set there up");
      var received = new CopyOnWriteArrayList<String>();
      try (var here = Pcap4jPacketPort.open(link("here", 1_500), null);
          var _ =
              Pcap4jPacketPort.open(
                  link("there", 1_500), (_, frame) -> received.add(HEX.formatHex(frame)))) {
        var sent = new ArrayList<String>();
        for (var tag : List.of("8100c000", "81000035", "81000000", "8100c035", "")) {
          var source = InetAddress.ofLiteral("192.0.2." + (1 + sent.size()));
          var frame = Frames.advertisement(link("here", 1_500).mac(), source, 1, new byte[MESSAGE]);
          var hex = HEX.formatHex(frame);
          here.send(HEX.parseHex(hex.substring(0, 24) + tag + hex.substring(24)));
          sent.add(hex);
        }
        Await.until("the last one", SOON, () -> received.contains(sent.getLast()));
        assertEquals(List.of(sent.get(0), sent.get(2), sent.get(4)), received);
      } finally {
        lab.control().sh("ip link del here");
      }
    }
  }

  /** Linux answers both kinds of probes, and nobody answers for the address that nobody has. */
  @Test
  void whoHasAnAddressAnswersAProbeForIt() throws Exception {
    try (var lab = Lab.open()) {
      lab.control().sh("ip link add here type veth peer name there");
      lab.control().sh("ip link set here up; ip link set there up");
      lab.control().sh("ip addr add 192.0.2.10/24 dev there");
      lab.control().sh("ip addr add 2001:db8::10/64 dev there nodad");
      var received = new CopyOnWriteArrayList<InetAddress>();
      try (var here =
          Pcap4jPacketPort.openToProbe(
              link("here", 1_500),
              (_, frame) -> Frames.claim(frame).map(Claim::address).ifPresent(received::add))) {
        var mac = link("here", 1_500).mac();
        var address = InetAddress.ofLiteral("192.0.2.10");
        here.send(Frames.arpProbe(mac, InetAddress.ofLiteral("192.0.2.11")));
        here.send(Frames.arpProbe(mac, address));
        Await.until("the answer to ARP", SOON, () -> received.contains(address));
        var address6 = InetAddress.ofLiteral("2001:db8::10");
        here.send(Frames.neighbourSolicitation(mac, address6));
        Await.until("the answer to DAD", SOON, () -> received.contains(address6));
        assertEquals(List.of(address, address6), received);
      } finally {
        lab.control().sh("ip link del here");
      }
    }
  }

  /** As the agent does on the report; closed or not, the capture itself ends. */
  @Test
  void aCaptureOfALinkThatGoesAwayEndsQuietlyWhereItsPortIsClosed() throws Exception {
    assertEquals(List.of(), defectsOfALinkThatGoesAway(true));
  }

  @Test
  void aCaptureThatEndsUnderAnOpenPortIsADefect() throws Exception {
    assertEquals(List.of("receive-there"), defectsOfALinkThatGoesAway(false));
  }

  /** Names of the threads that have ended by a defect. */
  private static List<String> defectsOfALinkThatGoesAway(boolean closed) throws Exception {
    var defects = new CopyOnWriteArrayList<String>();
    var handler = Thread.getDefaultUncaughtExceptionHandler();
    Thread.setDefaultUncaughtExceptionHandler((thread, _) -> defects.add(thread.getName()));
    try (var lab = Lab.open()) {
      lab.control().sh("ip link add here type veth peer name there");
      lab.control().sh("ip link set here up; ip link set there up");
      var port = Pcap4jPacketPort.open(link("there", 1_500), (_, _) -> {});
      lab.control().sh("ip link del here");
      if (closed) {
        port.close();
      }
      Await.until("the capture has ended", SOON, () -> !isReceiving());
      if (!closed) {
        port.close();
      }
    } finally {
      Thread.setDefaultUncaughtExceptionHandler(handler);
    }
    return defects;
  }

  private static boolean isReceiving() {
    return Thread.getAllStackTraces().keySet().stream()
        .anyMatch(thread -> thread.getName().equals("receive-there"));
  }

  private static Link link(String name, int mtu) {
    return new Link(1, name, true, new HardwareAddress(new byte[] {2, 0, 0, 0, 0, 1}), mtu);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
