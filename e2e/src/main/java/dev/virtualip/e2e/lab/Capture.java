package dev.virtualip.e2e.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Frames of a NIC, recorded by tcpdump since the capture was started. */
public final class Capture implements AutoCloseable {
  private static final int FILE_HEADER_BYTES = 24;
  private static final int RECORD_HEADER_BYTES = 16;

  private final Proc tcpdump;
  private final Path file;

  private Capture(Proc tcpdump, Path file) {
    this.tcpdump = tcpdump;
    this.file = file;
  }

  /** Returns when it listens. */
  static Capture start(Host host, String nic, String filter) {
    try {
      Path file = Files.createTempFile(host.lab().work(), host.name() + "-" + nic + "-", ".pcap");
      // -Z root keeps root: otherwise it would lose the right to write here.
      Proc tcpdump =
          host.start(
              file.getFileName().toString(),
              "tcpdump",
              "-i",
              nic,
              "-n",
              "-U",
              "--immediate-mode",
              "--time-stamp-precision=nano",
              "-Z",
              "root",
              "-w",
              file.toString(),
              filter);
      tcpdump.awaitOutput("listening on", Duration.ofSeconds(10));
      return new Capture(tcpdump, file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All frames so far, oldest first. */
  public List<Frame> frames() {
    try {
      return parse(ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.nativeOrder()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits for a frame that is asked for and returns the first. */
  public Frame await(String what, Duration deadline, Predicate<Frame> wanted) {
    return Await.until(
            what,
            deadline,
            () -> frames().stream().filter(wanted).limit(1).toList(),
            found -> !found.isEmpty())
        .getFirst();
  }

  /** Stops recording; the frames stay readable. */
  @Override
  public void close() {
    tcpdump.stop();
  }

  /** A last record that is still being written is skipped. */
  private static List<Frame> parse(ByteBuffer pcap) {
    List<Frame> frames = new ArrayList<>();
    pcap.position(Math.min(FILE_HEADER_BYTES, pcap.limit()));
    while (pcap.remaining() >= RECORD_HEADER_BYTES) {
      long seconds = Integer.toUnsignedLong(pcap.getInt());
      int nanos = pcap.getInt();
      int captured = pcap.getInt();
      pcap.getInt();
      if (pcap.remaining() < captured) {
        break;
      }
      byte[] bytes = new byte[captured];
      pcap.get(bytes);
      frames.add(new Frame(Instant.ofEpochSecond(seconds, nanos), bytes));
    }
    return frames;
  }
}
