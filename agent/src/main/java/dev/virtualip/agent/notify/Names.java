package dev.virtualip.agent.notify;

import dev.virtualip.crds.values.IpPrefix;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * Looks up host names before virtual threads use them. A lookup is a call into the C library that
 * holds the carrier thread, for many seconds while DNS is away. On a machine with two cores two
 * lookups would stop all virtual threads, health checks included.
 */
final class Names {
  private static final ConcurrentHashMap<String, FutureTask<InetAddress[]>> UNDER_WAY =
      new ConcurrentHashMap<>();

  private Names() {}

  /**
   * Looks up a name on a platform thread, with one lookup at a time for each name. After that
   * Java's cache has the answer.
   *
   * @throws Channel.Undeliverable if nothing may be sent to an address of it
   * @throws IOException if there is no such name, or no answer within the limit
   */
  static void lookUp(String host, Duration limit) throws IOException, InterruptedException {
    var fresh = new FutureTask<>(() -> InetAddress.getAllByName(host));
    var lookup = UNDER_WAY.putIfAbsent(host, fresh);
    if (lookup == null) {
      lookup = fresh;
      Thread.ofPlatform()
          .daemon()
          .name("lookup-" + host)
          .start(
              () -> {
                fresh.run();
                UNDER_WAY.remove(host);
              });
    }
    try {
      var addresses = lookup.get(limit.toMillis(), TimeUnit.MILLISECONDS);
      if (Stream.of(addresses).anyMatch(IpPrefix::mayBeMetadata)) {
        throw new Channel.Undeliverable(
            host + " is link-local, where clouds tell a machine its credentials: use another");
      }
    } catch (TimeoutException _) {
      throw new IOException("no answer from DNS about " + host);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof UnknownHostException
          ? new IOException("unknown host " + host)
          : new IOException(e.getCause());
    }
  }
}
