package dev.virtualip.agent.check;

import dev.virtualip.crds.schema.HealthCheck.Udp;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.HexFormat;

/** Sends a datagram and waits for its answer, or for the ICMP error of a closed port. */
final class UdpProbe implements Probe {
  private static final int ANSWER_MAX = 65_535;

  private final Udp udp;
  private final String target;
  private final byte[] payload;
  private final int silenceMillis;

  /**
   * @param timeout time limit of a run
   */
  UdpProbe(Udp udp, Duration timeout) {
    this.udp = udp;
    target = Probe.hostPort(udp.host(), udp.port());
    payload = HexFormat.of().parseHex(udp.payload().replace(" ", ""));
    // Silence has to be known before the run is late.
    silenceMillis =
        udp.requireReply()
            ? 0
            : (int) Math.max(1, timeout.multipliedBy(9).dividedBy(10).toMillis());
  }

  @Override
  public Result run() {
    try (var socket = new DatagramSocket()) {
      var server = new InetSocketAddress(InetAddress.ofLiteral(udp.host()), udp.port());
      // Only a connected socket is told of ICMP errors.
      socket.connect(server);
      socket.setSoTimeout(silenceMillis);
      socket.send(new DatagramPacket(payload, payload.length));
      var answer = new DatagramPacket(new byte[ANSWER_MAX], ANSWER_MAX);
      socket.receive(answer);
      var hex = HexFormat.of().formatHex(answer.getData(), 0, answer.getLength());
      return udp.reply() == null || beginsWith(hex, udp.reply().replace(" ", ""))
          ? new Result.Success()
          : new Result.Failure(
              "answer of %s does not begin with %s".formatted(target, udp.reply()));
    } catch (PortUnreachableException _) {
      return new Result.Failure("port unreachable " + target);
    } catch (SocketTimeoutException _) {
      return new Result.Success();
    } catch (IOException e) {
      return Probe.failure(e, target);
    }
  }

  private static boolean beginsWith(String hex, String pattern) {
    if (hex.length() < pattern.length()) {
      return false;
    }
    for (int i = 0; i < pattern.length(); i++) {
      char wanted = Character.toLowerCase(pattern.charAt(i));
      if (wanted != 'x' && wanted != hex.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
