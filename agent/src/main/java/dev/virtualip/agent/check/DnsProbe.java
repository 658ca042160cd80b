package dev.virtualip.agent.check;

import dev.virtualip.crds.schema.HealthCheck.Dns;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/** One question to a DNS server by UDP (RFC 1035 4.1). */
final class DnsProbe implements Probe {
  private static final int MESSAGE_MAX = 512;
  private static final int HEADER = 12;
  private static final short RECURSION_DESIRED = 0x0100;
  private static final int RESPONSE = 0x8000;
  private static final int CODE = 0xF;
  private static final short INTERNET = 1;
  private static final List<String> CODES =
      List.of("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED");

  private final Dns dns;
  private final String target;

  DnsProbe(Dns dns) {
    this.dns = dns;
    target = Probe.hostPort(dns.host(), dns.port());
  }

  @Override
  public Result run() {
    try (var socket = new DatagramSocket()) {
      socket.connect(new InetSocketAddress(InetAddress.ofLiteral(dns.host()), dns.port()));
      short id = (short) ThreadLocalRandom.current().nextInt();
      var question = question(id);
      socket.send(new DatagramPacket(question, question.length));
      int code = answerTo(id, socket);
      return code == 0 ? new Result.Success() : new Result.Failure(failure(code));
    } catch (PortUnreachableException _) {
      return new Result.Failure("port unreachable " + target);
    } catch (IOException e) {
      return Probe.failure(e, target);
    }
  }

  private String failure(int code) {
    var name = code < CODES.size() ? CODES.get(code) : "code " + code;
    return "%s answers %s to %s %s".formatted(target, name, dns.name(), dns.type());
  }

  private byte[] question(short id) {
    var message = ByteBuffer.allocate(MESSAGE_MAX);
    message.putShort(id).putShort(RECURSION_DESIRED);
    message.putShort((short) 1).putShort((short) 0).putShort((short) 0).putShort((short) 0);
    for (var label : dns.name().split("\\.")) {
      var bytes = label.getBytes(StandardCharsets.US_ASCII);
      message.put((byte) bytes.length).put(bytes);
    }
    message.put((byte) 0).putShort(type()).putShort(INTERNET);
    var bytes = new byte[message.position()];
    message.flip().get(bytes);
    return bytes;
  }

  private short type() {
    return switch (dns.type()) {
      case A -> 1;
      case NS -> 2;
      case CNAME -> 5;
      case SOA -> 6;
      case MX -> 15;
      case TXT -> 16;
      case AAAA -> 28;
    };
  }

  /** The code of the answer; what answers another question is passed over. */
  private static int answerTo(short id, DatagramSocket socket) throws IOException {
    var packet = new DatagramPacket(new byte[MESSAGE_MAX], MESSAGE_MAX);
    while (true) {
      packet.setLength(MESSAGE_MAX);
      socket.receive(packet);
      var message = ByteBuffer.wrap(packet.getData(), 0, packet.getLength());
      if (packet.getLength() >= HEADER && message.getShort() == id) {
        int flags = message.getShort();
        if ((flags & RESPONSE) != 0) {
          return flags & CODE;
        }
      }
    }
  }
}
