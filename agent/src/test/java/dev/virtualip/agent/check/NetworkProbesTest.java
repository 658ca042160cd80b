package dev.virtualip.agent.check;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.HealthCheck;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Scanner;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Probes of kind udp, dns, smtp and ping against servers on loopback. */
@Timeout(value = 60, unit = SECONDS)
class NetworkProbesTest {
  private static final InetAddress LOCAL = InetAddress.ofLiteral("127.0.0.1");

  /** Nothing has the port of the discard service (RFC 863). */
  private static final int CLOSED_PORT = 9;

  /** Result of one run; the port of the server is PORT. */
  private static String run(String kind, int port, Ping ping) throws Exception {
    var yaml = "---\n{name: n, timeout: 300ms, %s}".formatted(kind.replace("PORT", "" + port));
    var check = Serialization.unmarshal(yaml, HealthCheck.class).at("127.0.0.1", null);
    var probe =
        Probe.of(ScheduledCheck.ofNode(check), new CheckMeans(null, null, ping, null, null));
    var result = assertTimeoutPreemptively(Duration.ofSeconds(10), probe::run);
    return switch (result) {
      case Probe.Result.Failure failure -> failure.detail().replace("" + port, "PORT");
      default -> "good";
    };
  }

  /** A UDP server that answers each datagram with several, or with none. */
  @SafeVarargs
  private static DatagramSocket udp(UnaryOperator<byte[]>... answers) throws IOException {
    var socket = new DatagramSocket(0, LOCAL);
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                while (true) {
                  var packet = new DatagramPacket(new byte[512], 512);
                  socket.receive(packet);
                  var asked = Arrays.copyOf(packet.getData(), packet.getLength());
                  for (var answer : answers) {
                    var bytes = answer.apply(asked);
                    packet.setData(bytes);
                    socket.send(packet);
                  }
                }
              } catch (IOException _) {
                // The test has closed it.
              }
            });
    return socket;
  }

  @Test
  void aUdpServerHasToAnswerAsExpected() throws Exception {
    UnaryOperator<byte[]> echo = asked -> asked;
    try (var server = udp(echo)) {
      int port = server.getLocalPort();
      assertEquals("good", run("udp: {port: PORT}", port, null), "a byte");
      assertEquals("good", run("udp: {port: PORT, payload: '0A ff', reply: 0aXf}", port, null));
      assertEquals(
          "answer of 127.0.0.1:PORT does not begin with 0b",
          run("udp: {port: PORT, payload: 0aff, reply: 0b}", port, null));
      assertEquals(
          "answer of 127.0.0.1:PORT does not begin with xxxx",
          run("udp: {port: PORT, payload: 0a, reply: xxxx}", port, null));
    }
  }

  /** keepalived: UDP_CHECK without require_reply. */
  @Test
  void aUdpServerMayBeSilentButNotClosed() throws Exception {
    try (var server = udp()) {
      var silent = "udp: {port: PORT, requireReply: false}";
      assertEquals("good", run(silent, server.getLocalPort(), null));
    }
    for (var require : List.of("true", "false")) {
      var check = "udp: {port: PORT, requireReply: %s}".formatted(require);
      assertEquals("port unreachable 127.0.0.1:PORT", run(check, CLOSED_PORT, null));
    }
  }

  private static UnaryOperator<byte[]> dns(int idAdded, int flagsLow) {
    return asked -> {
      var answer = asked.clone();
      answer[1] += (byte) idAdded;
      answer[2] |= (byte) 0x80;
      answer[3] = (byte) flagsLow;
      return answer;
    };
  }

  @Test
  void aDnsServerHasToAnswerThisQuestionWithNoError() throws Exception {
    UnaryOperator<byte[]> question = asked -> asked;
    UnaryOperator<byte[]> rest = asked -> new byte[] {asked[0], asked[1]};
    try (var server = udp(question, rest, dns(1, 3), dns(0, 0x80))) {
      assertEquals("good", run("dns: {port: PORT}", server.getLocalPort(), null));
    }
    try (var server = udp(dns(0, 0x83))) {
      assertEquals(
          "127.0.0.1:PORT answers NXDOMAIN to a.example.com AAAA",
          run("dns: {port: PORT, name: a.example.com, type: AAAA}", server.getLocalPort(), null));
    }
    try (var server = udp(dns(0, 9))) {
      assertEquals(
          "127.0.0.1:PORT answers code 9 to . SOA",
          run("dns: {port: PORT}", server.getLocalPort(), null));
    }
    assertEquals("port unreachable 127.0.0.1:PORT", run("dns: {port: PORT}", CLOSED_PORT, null));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ". SOA 0000060001",
        "example.com A 076578616d706c6503636f6d0000010001",
        "example.com. MX 076578616d706c6503636f6d00000f0001",
        "a AAAA 016100001c0001"
      })
  void aDnsQuestionIsThatOfTheRfc(String line) throws Exception {
    var parts = line.split(" ");
    var seen = new CopyOnWriteArrayList<byte[]>();
    UnaryOperator<byte[]> answer =
        asked -> {
          seen.add(asked);
          return dns(0, 0).apply(asked);
        };
    try (var server = udp(answer)) {
      var check = "dns: {port: PORT, name: %s, type: %s}".formatted(parts[0], parts[1]);
      assertEquals("good", run(check, server.getLocalPort(), null));
    }
    var asked = seen.getFirst();
    asked[0] = 0;
    asked[1] = 0;
    assertArrayEquals(HexFormat.of().parseHex("000001000001000000000000" + parts[2]), asked);
  }

  /** An SMTP server that says these lines, the first unasked, and the next after each line. */
  private static String smtp(String check, List<String> heard, String... says) throws Exception {
    try (var listener = new ServerSocket(0, 1, LOCAL)) {
      var server =
          Thread.ofVirtual()
              .start(
                  () -> {
                    try (var socket = listener.accept();
                        var in = new Scanner(socket.getInputStream(), StandardCharsets.US_ASCII)) {
                      for (var line : says) {
                        socket.getOutputStream().write((line + "\r\n").getBytes());
                        if (in.hasNextLine()) {
                          heard.add(in.nextLine());
                        }
                      }
                    } catch (IOException _) {
                      // The probe resets the connection.
                    }
                  });
      var result = run(check, listener.getLocalPort(), null);
      server.join();
      return result;
    }
  }

  @Test
  void anSmtpServerHasToGreet() throws Exception {
    var heard = new CopyOnWriteArrayList<String>();
    var plain = "smtp: {port: PORT}";
    assertEquals("good", smtp(plain, heard, "220-mail\r\n220 ready", "221 bye"));
    assertEquals(List.of("QUIT"), heard);
    assertEquals(
        "greeting of 127.0.0.1:PORT: \"554 no\" expected 220", smtp(plain, heard, "554 no"));
    assertTrue(smtp(plain, heard).startsWith("no answer ("));
  }

  @Test
  void anSmtpServerMayHaveToTakeHelo() throws Exception {
    var heard = new CopyOnWriteArrayList<String>();
    var helo = "smtp: {port: PORT, helo: lb.example.com}";
    assertEquals("good", smtp(helo, heard, "220 a", "250 a", "221 a"));
    assertEquals(List.of("HELO lb.example.com", "QUIT"), heard);
    assertEquals(
        "HELO of 127.0.0.1:PORT: \"502 no\" expected 250", smtp(helo, heard, "220 a", "502 no"));
  }

  @Test
  void aPingSucceedsWithItsReplyAndFailsIfItCannotBeSent() throws Exception {
    var pinged = new CopyOnWriteArrayList<InetAddress>();
    assertEquals("good", run("ping: {}", 1, pinged::add));
    assertEquals(List.of(LOCAL), pinged);
    Ping none =
        _ -> {
          throw new IOException("Network is unreachable");
        };
    assertEquals("no answer (Network is unreachable) 127.0.0.1", run("ping: {}", 99999, none));
  }
}
