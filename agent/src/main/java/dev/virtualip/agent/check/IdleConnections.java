package dev.virtualip.agent.check;

import dev.virtualip.log.Defects;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import jdk.net.ExtendedSocketOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds an idle TCP connection to each server that checks watch, one for all checks of the same
 * address and port. Nothing is sent, and what the server sends is dropped. One thread waits for the
 * ends of all of them.
 *
 * <p>Whether a server is still there without having closed is asked by keep-alive probes, so that a
 * connection does not stay for ever that the server knows nothing of, as after its node has
 * restarted.
 */
public final class IdleConnections {
  /** How many are held by default: each costs a file descriptor here, and one of the server's. */
  public static final int MAX = 1024;

  private static final Logger LOG = LoggerFactory.getLogger(IdleConnections.class);

  /** A server that says more than this without having been asked is not idle. */
  private static final int DROPPED_MAX = 64 << 10;

  private static final int KEEPALIVE_SECONDS = 15;
  private static final int KEEPALIVE_RETRY_SECONDS = 5;
  private static final int KEEPALIVE_RETRIES = 3;

  private final int max;
  private final ByteBuffer dropped = ByteBuffer.allocate(4 << 10);
  private final Map<InetSocketAddress, Connection> connections = new HashMap<>();
  private Selector selector;
  private boolean full;

  /** A connection, and who watches it. */
  private static final class Connection {
    final InetSocketAddress server;
    final SocketChannel channel;
    final Set<Watcher> watchers = new HashSet<>();
    int dropped;

    Connection(InetSocketAddress server, SocketChannel channel) {
      this.server = server;
      this.channel = channel;
    }
  }

  /** One call of {@link #hold}; no two are equal. */
  private static final class Watcher {
    final Runnable ended;

    Watcher(Runnable ended) {
      this.ended = ended;
    }
  }

  /**
   * Connections, of which none is open yet.
   *
   * @param max how many are held at most
   */
  public IdleConnections(int max) {
    this.max = max;
  }

  /**
   * Holds a connection, or shares one that is held. It returns without waiting for it to be open.
   *
   * @param ended called once when the server has closed or reset it, or when it could not be
   *     opened; by another thread or by this one, and must not block
   * @return lets it go; an end is not told from then on, but for one that is being told now
   * @throws IOException if there are too many, or no file descriptor is left
   */
  public Runnable hold(InetSocketAddress server, Runnable ended) throws IOException {
    var watcher = new Watcher(ended);
    try {
      var connection = join(server, watcher);
      return () -> letGo(connection, watcher);
    } catch (ConnectException _) {
      ended.run();
      return () -> {};
    }
  }

  private synchronized Connection join(InetSocketAddress server, Watcher watcher)
      throws IOException {
    var connection = connections.get(server);
    if (connection == null) {
      if (connections.size() >= max) {
        tellFull();
        throw new IOException(max + " idle connections are held already");
      }
      connection = open(server);
      connections.put(server, connection);
    }
    connection.watchers.add(watcher);
    return connection;
  }

  private void tellFull() {
    if (!full) {
      full = true;
      LOG.warn(
          "idle_connections_full max={}: further checks see an end at their next interval", max);
    }
  }

  private Connection open(InetSocketAddress server) throws IOException {
    if (selector == null) {
      selector = Selector.open();
      // A platform thread: the call blocks the carrier of a virtual one.
      Thread.ofPlatform().daemon().name("watch-connections").start(this::watch);
    }
    var channel = SocketChannel.open();
    try {
      // Closing sends a reset, which leaves nothing in TIME_WAIT.
      channel.setOption(StandardSocketOptions.SO_LINGER, 0);
      channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
      channel.setOption(ExtendedSocketOptions.TCP_KEEPIDLE, KEEPALIVE_SECONDS);
      channel.setOption(ExtendedSocketOptions.TCP_KEEPINTERVAL, KEEPALIVE_RETRY_SECONDS);
      channel.setOption(ExtendedSocketOptions.TCP_KEEPCOUNT, KEEPALIVE_RETRIES);
      channel.configureBlocking(false);
      var connection = new Connection(server, channel);
      boolean open = channel.connect(server);
      channel.register(selector, open ? SelectionKey.OP_READ : SelectionKey.OP_CONNECT, connection);
      selector.wakeup();
      return connection;
    } catch (IOException | RuntimeException | Error e) {
      channel.close();
      throw e;
    }
  }

  private synchronized void letGo(Connection connection, Watcher watcher) {
    if (connection.watchers.remove(watcher) && connection.watchers.isEmpty()) {
      close(connection);
      // The descriptor is released by the thread that waits for it.
      selector.wakeup();
    }
  }

  private void close(Connection connection) {
    full = false;
    connections.remove(connection.server, connection);
    try {
      connection.channel.close();
    } catch (IOException e) {
      LOG.debug("idle_connection_not_closed server={}", connection.server, e);
    }
  }

  private void watch() {
    while (true) {
      try {
        selector.select(this::handle);
      } catch (IOException | RuntimeException | Error e) {
        Defects.goOn(e);
        endAll();
        return;
      }
    }
  }

  private void handle(SelectionKey key) {
    var connection = (Connection) key.attachment();
    try {
      if (key.isConnectable()) {
        connection.channel.finishConnect();
        key.interestOps(SelectionKey.OP_READ);
      } else if (hasEnded(connection)) {
        end(connection);
      }
    } catch (IOException _) {
      end(connection);
    } catch (CancelledKeyException _) {
      // It has been let go meanwhile.
    }
  }

  private boolean hasEnded(Connection connection) throws IOException {
    int length = connection.channel.read(dropped.clear());
    connection.dropped += Math.max(0, length);
    return length < 0 || connection.dropped > DROPPED_MAX;
  }

  private void end(Connection connection) {
    List<Watcher> told;
    synchronized (this) {
      told = closed(connection);
    }
    told.forEach(watcher -> Defects.contain(watcher.ended));
  }

  /** Without its thread nothing would be noticed: the next call begins anew. */
  private void endAll() {
    var told = new ArrayList<Watcher>();
    synchronized (this) {
      List.copyOf(connections.values()).forEach(connection -> told.addAll(closed(connection)));
      try {
        selector.close();
      } catch (IOException e) {
        LOG.debug("selector_not_closed", e);
      }
      selector = null;
    }
    told.forEach(watcher -> Defects.contain(watcher.ended));
  }

  private List<Watcher> closed(Connection connection) {
    var told = List.copyOf(connection.watchers);
    connection.watchers.clear();
    close(connection);
    return told;
  }
}
