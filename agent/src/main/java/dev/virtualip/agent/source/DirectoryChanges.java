package dev.virtualip.agent.source;

import static java.nio.file.StandardWatchEventKinds.ENTRY_CREATE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_DELETE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_MODIFY;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for changes in directories. The timeout covers changes that the kernel does not report:
 * network file systems, links to elsewhere, a replaced directory, no inotify instance left.
 */
final class DirectoryChanges implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DirectoryChanges.class);

  private final WatchService service;

  private DirectoryChanges(WatchService service) {
    this.service = service;
  }

  static DirectoryChanges open() {
    try {
      return new DirectoryChanges(FileSystems.getDefault().newWatchService());
    } catch (IOException e) {
      LOG.warn("watch_unavailable error=\"{}\": files are re-read every few seconds", e);
      return new DirectoryChanges(null);
    }
  }

  /** Returns when something may have changed in the directories, or after the longest time. */
  void await(Set<Path> directories, Duration longest) throws InterruptedException {
    if (service == null) {
      Thread.sleep(longest);
      return;
    }
    for (var directory : directories) {
      try {
        // Registering again costs nothing, and follows a directory that was replaced.
        directory.register(service, ENTRY_CREATE, ENTRY_MODIFY, ENTRY_DELETE);
      } catch (IOException e) {
        LOG.debug("watch_failed dir={}", directory, e);
      }
    }
    var key = service.poll(longest.toMillis(), TimeUnit.MILLISECONDS);
    while (key != null) {
      key.pollEvents();
      key.reset();
      key = service.poll();
    }
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
