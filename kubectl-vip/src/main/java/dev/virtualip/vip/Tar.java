package dev.virtualip.vip;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.zip.GZIPOutputStream;

/** A compressed tar of texts (POSIX.1-1988 ustar). */
final class Tar implements AutoCloseable {
  private static final int BLOCK = 512;
  private static final int NAME_MAX = 100;

  /** Where a header has its checksum, and how long that is. */
  private static final int CHECKSUM = 148;

  private static final int CHECKSUM_BYTES = 8;

  private final OutputStream out;
  private final Instant time;

  /**
   * A tar that is written to a stream.
   *
   * @param time when its files were made
   */
  Tar(OutputStream out, Instant time) throws IOException {
    this.out = new GZIPOutputStream(out);
    this.time = time;
  }

  /**
   * Adds a file.
   *
   * @param name its path, at most 100 characters of ASCII
   */
  void add(String name, String text) throws IOException {
    if (name.length() > NAME_MAX) {
      throw new IllegalArgumentException(name + ": a name in a tar has at most 100 characters");
    }
    var bytes = text.getBytes(StandardCharsets.UTF_8);
    out.write(header(name, bytes.length));
    out.write(bytes);
    out.write(new byte[Math.floorMod(-bytes.length, BLOCK)]);
  }

  private byte[] header(String name, int size) {
    // Name, mode, uid, gid, size, mtime, checksum, type, link, magic, version, user, group.
    var fields =
        pad(name, NAME_MAX)
            + "0000644\0"
            + "0000000\0".repeat(2)
            + "%011o\0".formatted(size)
            + "%011o\0".formatted(time.getEpochSecond())
            + " ".repeat(CHECKSUM_BYTES)
            + "0"
            + pad("", NAME_MAX)
            + "ustar\0"
            + "00"
            + pad("root", 32)
            + pad("root", 32);
    var header = pad(fields, BLOCK).getBytes(StandardCharsets.US_ASCII);
    int sum = 0;
    for (byte b : header) {
      sum += b;
    }
    var checksum = "%06o\0 ".formatted(sum).getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(checksum, 0, header, CHECKSUM, CHECKSUM_BYTES);
    return header;
  }

  private static String pad(String text, int length) {
    return text + "\0".repeat(length - text.length());
  }

  @Override
  public void close() throws IOException {
    out.write(new byte[2 * BLOCK]);
    out.close();
  }
}
