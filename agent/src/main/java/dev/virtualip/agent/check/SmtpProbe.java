package dev.virtualip.agent.check;

import dev.virtualip.crds.schema.HealthCheck.Smtp;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** Lets an SMTP server greet, says HELO if that is wanted, and leaves (RFC 5321). */
final class SmtpProbe implements Probe {
  private static final int LINE_MAX = 512;
  private static final int LINES_MAX = 100;

  private final Smtp smtp;
  private final String target;

  SmtpProbe(Smtp smtp) {
    this.smtp = smtp;
    target = Probe.hostPort(smtp.host(), smtp.port());
  }

  @Override
  public Result run() {
    try (var socket = new Socket()) {
      socket.setTcpNoDelay(true);
      socket.connect(new InetSocketAddress(InetAddress.ofLiteral(smtp.host()), smtp.port()));
      socket.setSoLinger(true, 0);
      var in = new BufferedInputStream(socket.getInputStream());
      var failure = expect(in, "220", "greeting");
      if (failure == null && smtp.helo() != null) {
        say(socket, "HELO " + smtp.helo());
        failure = expect(in, "250", "HELO");
      }
      if (failure == null) {
        say(socket, "QUIT");
        failure = expect(in, "221", "QUIT");
      }
      return failure == null ? new Result.Success() : failure;
    } catch (IOException e) {
      return Probe.failure(e, target);
    }
  }

  private static void say(Socket socket, String line) throws IOException {
    socket.getOutputStream().write((line + "\r\n").getBytes(StandardCharsets.US_ASCII));
  }

  /** A failure, or null if the server says what it should. */
  private Result.Failure expect(InputStream in, String code, String when) throws IOException {
    for (int i = 0; i < LINES_MAX; i++) {
      var line = line(in);
      // All lines of a reply but the last have a hyphen behind the code.
      if (!line.startsWith(code + "-")) {
        return line.equals(code) || line.startsWith(code + " ")
            ? null
            : new Result.Failure(
                "%s of %s: \"%s\" expected %s".formatted(when, target, line, code));
      }
    }
    return new Result.Failure("%s of %s has no end".formatted(when, target));
  }

  private static String line(InputStream in) throws IOException {
    var line = new StringBuilder();
    int next = in.read();
    while (next >= 0 && next != '\n' && line.length() < LINE_MAX) {
      line.append((char) next);
      next = in.read();
    }
    if (next < 0) {
      throw new IOException("the connection was closed");
    }
    return line.toString().strip();
  }
}
