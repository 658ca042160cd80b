package dev.virtualip.agent.loop;

import dev.virtualip.agent.instance.Recorder;
import dev.virtualip.agent.vrrp.Effect;
import dev.virtualip.agent.vrrp.Event;
import dev.virtualip.agent.vrrp.VirtualRouter;
import dev.virtualip.log.Defects;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes a recording to a file, on a thread of its own, so that the event loop never waits for the
 * disk. It stops with a log line when the file is full, or when the disk is too slow or fails.
 */
public final class FileRecorder implements Recorder, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FileRecorder.class);
  private static final int QUEUE_MAX = 4_096;
  private static final long CLOSE_MILLIS = 200;

  /** Largest file in bytes; its text is ASCII. */
  public static final long SIZE_MAX = 64L << 20;

  private final BlockingQueue<Recording> queue = new LinkedBlockingQueue<>(QUEUE_MAX);
  private final Path file;
  private final long sizeMax;
  private final BufferedWriter writer;
  private final Thread thread;
  private volatile boolean stopped;
  private volatile boolean closing;
  private long size;

  private FileRecorder(Path file, long sizeMax) throws IOException {
    this.file = file;
    this.sizeMax = sizeMax;
    writer = Files.newBufferedWriter(file);
    thread = Thread.ofPlatform().daemon().name("record").start(this::write);
  }

  /**
   * Starts a recording in a file, which is emptied first.
   *
   * @param sizeMax largest file in bytes, at most {@link #SIZE_MAX}
   * @throws IOException if the file cannot be written
   */
  public static FileRecorder to(Path file, long sizeMax) throws IOException {
    return new FileRecorder(file, sizeMax);
  }

  @Override
  public void started(String virtualIp, VirtualRouter router) {
    offer(Recording.started(virtualIp, router));
  }

  @Override
  public void stepped(String virtualIp, long at, Event event, List<Effect> effects) {
    offer(Recording.stepped(virtualIp, at, event, effects));
  }

  private void offer(Recording line) {
    if (!stopped && !queue.offer(line)) {
      stop("the disk is too slow");
    }
  }

  private void stop(String why) {
    stopped = true;
    LOG.warn("recording_stopped file={} why=\"{}\"", file, why);
  }

  private void write() {
    try (writer) {
      while (!stopped) {
        var line = queue.poll(CLOSE_MILLIS / 10, TimeUnit.MILLISECONDS);
        if (line == null && closing) {
          return;
        }
        if (line == null) {
          writer.flush();
          continue;
        }
        var json = Recording.MAPPER.writeValueAsString(line);
        size += json.length() + 1;
        if (size > sizeMax) {
          stop("it has reached " + sizeMax + " bytes");
          return;
        }
        writer.write(json + "\n");
      }
    } catch (IOException e) {
      stop(e.getMessage());
    } catch (RuntimeException | Error e) {
      Defects.goOn(e);
      stop("a defect");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Writes the waiting lines, for at most 200 ms. */
  @Override
  public void close() {
    close(System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(CLOSE_MILLIS));
  }

  /**
   * Writes the waiting lines.
   *
   * @param endNanos System.nanoTime at which the rest is left unwritten
   */
  public void close(long endNanos) {
    closing = true;
    try {
      TimeUnit.NANOSECONDS.timedJoin(thread, endNanos - System.nanoTime());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
