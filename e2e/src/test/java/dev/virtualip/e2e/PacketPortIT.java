package dev.virtualip.e2e;

import dev.virtualip.agent.net.Frames;
import dev.virtualip.agent.net.Link;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.agent.net.Pcap4jPacketPort;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import java.net.InetAddress;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Frames by libpcap, from one end of a cable to the other. */
@InLab
class PacketPortIT {
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
