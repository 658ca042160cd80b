package dev.virtualip.agent.source;

import static java.nio.file.StandardWatchEventKinds.ENTRY_CREATE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_DELETE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_MODIFY;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for changes in directories: what the kernel reports, and a time-out for what it does not
 * (network file systems, links to elsewhere, a replaced directory, no inotify instance left).
 */
final class DirectoryChanges implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DirectoryChanges.class);
  private static final long REREAD_MS = 2000;
  private static final long QUIET_MS = 50;
  private static final int QUIET_WAITS_MAX = 20;

  private final WatchService service;

  private DirectoryChanges(WatchService service) {
    this.service = service;
  }

  static DirectoryChanges open() {
    try {
      return new DirectoryChanges(FileSystems.getDefault().newWatchService());
    } catch (IOException e) {
      LOG.warn("watch_unavailable error=\"{}\": files are re-read every {} ms", e, REREAD_MS);
      return new DirectoryChanges(null);
    }
  }

  /** Returns when something may have changed and nothing more has for a moment. */
  void await(Set<Path> directories) throws InterruptedException {
    if (service == null) {
      Thread.sleep(REREAD_MS);
      return;
    }
    for (var directory : directories) {
      try {
        // Registering again is free, and follows a directory that was replaced.
        directory.register(service, ENTRY_CREATE, ENTRY_MODIFY, ENTRY_DELETE);
      } catch (IOException e) {
        LOG.debug("watch_failed dir={}", directory, e);
      }
    }
    var key = service.poll(REREAD_MS, TimeUnit.MILLISECONDS);
    // A file written in place may parse half-way: wait until the writer is done.
    for (int i = 0; key != null && i < QUIET_WAITS_MAX; i++) {
      drain(key);
      key = service.poll(QUIET_MS, TimeUnit.MILLISECONDS);
    }
    if (key != null) {
      drain(key);
    }
  }

  private static void drain(WatchKey key) {
    key.pollEvents();
    key.reset();
  }

  @Override
  public void close() {
    try {
      if (service != null) {
        service.close();
      }
    } catch (IOException e) {
      LOG.debug("watch_close_failed", e);
    }
  }
}
