package dev.virtualip.e2e.lab;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Debian's nginx on a host: listens on port 80 of every address, answers {@code /healthz} with 200
 * and everything else with the host's name.
 */
public final class Nginx implements AutoCloseable {
  private static final String CONFIG =
      """
      user root;
      worker_processes 1;
      daemon off;
      pid nginx.pid;
      error_log stderr warn;
      events {}
      http {
        access_log off;
        client_body_temp_path tmp;
        proxy_temp_path tmp;
        fastcgi_temp_path tmp;
        uwsgi_temp_path tmp;
        scgi_temp_path tmp;
        default_type text/plain;
        server {
          listen 80;
          listen [::]:80;
          location = /healthz {
            if (-f FOLDER/broken) { return 500; }
            return 200 "ok\\n";
          }
          location / { return 200 "HOST\\n"; }
        }
        SERVERS
      }
      """;

  private final Host host;
  private final Path folder;
  private Proc proc;

  private Nginx(Host host, Path folder) {
    this.host = host;
    this.folder = folder;
  }

  /** Starts nginx on a host; returns when it answers there. */
  public static Nginx start(Host host) {
    return start(host, "");
  }

  /** The same with further blocks for {@code http} in nginx.conf, such as another server. */
  public static Nginx start(Host host, String servers) {
    try {
      Path folder = Files.createTempDirectory(host.lab().work(), host.name() + "-nginx-");
      Files.writeString(
          folder.resolve("nginx.conf"),
          CONFIG
              .replace("SERVERS", servers)
              .replace("HOST", host.name())
              .replace("FOLDER", folder.toString()));
      Nginx nginx = new Nginx(host, folder);
      nginx.start();
      return nginx;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts it again after {@link #stop} or {@link #kill}. */
  public void start() {
    proc = host.start("nginx", command().toArray(String[]::new));
    Await.until(
        "nginx answers on " + host.name(),
        Duration.ofSeconds(10),
        () -> host.get("http://127.0.0.1/healthz"),
        "ok\n"::equals);
  }

  /** The command that runs it, for a caller that starts it itself after {@link #stop}. */
  public List<String> command() {
    return List.of("nginx", "-p", folder + "/", "-e", "stderr", "-c", folder + "/nginx.conf");
  }

  /** SIGTERM: it ends at once, whatever connections are open. */
  public void stop() {
    proc.stop();
  }

  /** SIGKILL for master and worker. */
  public void kill() {
    proc.kill();
  }

  /** SIGHUP to the master: new workers, and the old ones end when their connections have. */
  public void reload() {
    host.sh("kill -HUP " + proc.pid());
  }

  /** Answers health checks with 500, or with 200 again. */
  public void fail(boolean failing) {
    try {
      if (failing) {
        Files.writeString(folder.resolve("broken"), "");
      } else {
        Files.deleteIfExists(folder.resolve("broken"));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The running program, to signal. */
  public Proc proc() {
    return proc;
  }

  @Override
  public void close() {
    proc.close();
  }
}
