package dev.virtualip.e2e.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.regex.Pattern;

/** Debian's aiosmtpd on a host: an SMTP server that accepts every mail and keeps it as a file. */
public final class MailServer implements AutoCloseable {
  // Maildir's name for a file: seconds, microseconds, process, and a number that counts the mails.
  private static final Pattern NUMBER = Pattern.compile("Q([0-9]+)\\.");

  private final Path mails;
  private final Proc proc;

  private MailServer(Path mails, Proc proc) {
    this.mails = mails;
    this.proc = proc;
  }

  /**
   * Starts a server; returns when it listens. The output of {@link #proc} has the dialogues.
   *
   * @param address address to listen on
   * @param options further options of aiosmtpd, such as {@code --tlscert=FILE}
   */
  public static MailServer start(Host host, String address, int port, String... options) {
    try {
      Path folder = Files.createTempDirectory(host.lab().work(), "mail-");
      List<String> command = new ArrayList<>(List.of("aiosmtpd", "--nosetuid", "--debug"));
      command.add("--listen=" + address + ":" + port);
      command.add("--class=aiosmtpd.handlers.Mailbox");
      command.addAll(List.of(options));
      command.add(folder.resolve("box").toString());
      Proc proc = host.start("aiosmtpd", command.toArray(String[]::new));
      proc.awaitOutput("Server is listening on " + address + ":" + port, Duration.ofSeconds(20));
      return new MailServer(folder.resolve("box/new"), proc);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All mails in the order of their arrival, with headers. */
  public List<String> mails() {
    if (!Files.isDirectory(mails)) {
      return List.of();
    }
    try (var files = Files.list(mails)) {
      return files.sorted(Comparator.comparing(MailServer::number)).map(MailServer::read).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int number(Path mail) {
    var number = NUMBER.matcher(mail.getFileName().toString());
    if (!number.find()) {
      throw new IllegalStateException("no mail of aiosmtpd: " + mail);
    }
    return Integer.parseInt(number.group(1));
  }

  private static String read(Path mail) {
    try {
      return Files.readString(mail, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The running program. */
  public Proc proc() {
    return proc;
  }

  @Override
  public void close() {
    proc.close();
  }
}
