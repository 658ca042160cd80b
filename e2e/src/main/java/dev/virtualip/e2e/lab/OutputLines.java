package dev.virtualip.e2e.lab;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Reads what a program prints, line by line, each line once. */
public final class OutputLines {
  private final Proc proc;
  private long readBytes;

  /** Begins with the first line of a program's output. */
  public OutputLines(Proc proc) {
    this.proc = proc;
  }

  /** Complete lines that were printed since the last call. */
  public List<String> fresh() {
    try (RandomAccessFile file = new RandomAccessFile(proc.outputFile().toFile(), "r")) {
      byte[] fresh = new byte[(int) (file.length() - readBytes)];
      file.seek(readBytes);
      file.readFully(fresh);
      String text = new String(fresh, StandardCharsets.UTF_8);
      String lines = text.substring(0, text.lastIndexOf('\n') + 1);
      readBytes += lines.getBytes(StandardCharsets.UTF_8).length;
      return lines.lines().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
