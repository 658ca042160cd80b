package dev.virtualip.e2e.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A small network with hosts on it. The JVM itself runs on the control host, which has the wires'
 * bridges. Only one lab can be open; {@link #close} ends all programs on it and removes hosts and
 * wires.
 */
public final class Lab implements AutoCloseable {
  private static final AtomicBoolean OPEN = new AtomicBoolean();

  private final Path work;
  private final Host control;
  private final Map<String, Host> hosts = new LinkedHashMap<>();
  private final Map<String, Wire> wires = new LinkedHashMap<>();
  private final Deque<Runnable> closings = new ConcurrentLinkedDeque<>();

  private Lab(Path work) {
    this.work = work;
    this.control = Host.control(this);
  }

  /** Whether this process has a lab that it has not closed. */
  static boolean isOpen() {
    return OPEN.get();
  }

  /** Whether this JVM runs in namespaces of its own, so that a lab may be opened. */
  public static boolean available() {
    return "1".equals(System.getenv("VIRTUALIP_LAB"));
  }

  /**
   * Opens an empty lab.
   *
   * @throws IllegalStateException when the JVM was not started by {@code e2e/src/lab/bin/java} as
   *     root, or when a lab is open already
   */
  public static Lab open() {
    if (!available()) {
      throw new IllegalStateException("no lab here: run e2e/src/lab/bin/java as root");
    }
    if (!OPEN.compareAndSet(false, true)) {
      throw new IllegalStateException("a lab is open already: close it first");
    }
    try {
      return new Lab(Files.createTempDirectory(Files.createDirectories(Path.of("/run/lab")), "w"));
    } catch (IOException e) {
      OPEN.set(false);
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A release that runs in place of what is built here, as {@code deploy/release/unpack} leaves it:
   * the system property {@code virtualip.release}.
   */
  public static Optional<Path> release() {
    return Optional.ofNullable(System.getProperty("virtualip.release")).map(Path::of);
  }

  /**
   * The project's folder: the system property {@code virtualip.root}, else the nearest folder from
   * the working directory up that contains the CRD.
   */
  public static Path root() {
    String given = System.getProperty("virtualip.root");
    if (given != null) {
      return Path.of(given);
    }
    Path folder = Path.of("").toAbsolutePath();
    while (folder != null && !Files.exists(folder.resolve("crds/virtualips.virtualip.dev.yaml"))) {
      folder = folder.getParent();
    }
    if (folder == null) {
      throw new IllegalStateException("run it inside the project, or set -Dvirtualip.root=FOLDER");
    }
    return folder;
  }

  /** Folder for files of this lab, in memory. */
  public Path work() {
    return work;
  }

  /** The host this JVM runs on. It has no NIC, only {@link Wire#address addresses on wires}. */
  public Host control() {
    return control;
  }

  /** The host of this name, created by the first call. */
  public synchronized Host host(String name) {
    return hosts.computeIfAbsent(name, n -> Host.create(this, n, hosts.size() + 1));
  }

  /** The wire of this name, created by the first call. */
  public synchronized Wire wire(String name) {
    return wires.computeIfAbsent(name, n -> Wire.create(n, wires.size() + 1));
  }

  /**
   * Adds an action that runs before all others when the lab closes. It has to tolerate having run
   * before.
   */
  void onClose(Runnable close) {
    closings.push(close);
  }

  @Override
  public synchronized void close() {
    try {
      while (!closings.isEmpty()) {
        closings.pop().run();
      }
      control.close();
      hosts.values().forEach(Host::close);
      wires.values().forEach(Wire::close);
    } finally {
      hosts.clear();
      wires.clear();
      OPEN.set(false);
    }
  }
}
