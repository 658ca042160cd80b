package dev.virtualip.agent.linux;

import dev.virtualip.agent.linux.NetlinkMessage.Body;
import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.AddressPort.NetworkEvent;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Receives all changes in the network namespace it was opened in, the agent's own included. Open it
 * before reading the state with {@link Netlink}, so that no change between the two is missed.
 *
 * <p>Its daemon thread {@code netlink-monitor} ends with an exception, and the agent with it, if
 * the socket or the listener fails.
 */
public final class NetlinkMonitor implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(NetlinkMonitor.class);

  /** Room for some 4000 messages; the kernel doubles it. */
  private static final int RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

  private static final int GROUPS =
      Rtnetlink.RTMGRP_LINK
          | Rtnetlink.RTMGRP_IPV4_IFADDR
          | Rtnetlink.RTMGRP_IPV6_IFADDR
          | Rtnetlink.RTMGRP_IPV4_ROUTE
          | Rtnetlink.RTMGRP_IPV6_ROUTE
          | Rtnetlink.RTMGRP_IPV4_RULE
          | Rtnetlink.RTMGRP_IPV6_RULE;

  /** Netlink address that only one socket of a network namespace can have: "VIP" and a mark. */
  private static final int AGENT_PORT_ID = 0x00564950 + (AddressPort.PROTOCOL << 24);

  private final Consumer<NetworkEvent> listener;
  private final NetlinkSocket socket;
  private final Thread thread;
  private volatile boolean closed;

  /**
   * Opens the socket and starts the thread.
   *
   * @param listener called on the monitor's thread; while it blocks, reports wait in the socket
   * @throws IOException if the kernel refuses
   */
  public NetlinkMonitor(Consumer<NetworkEvent> listener) throws IOException {
    this(listener, 0, null);
  }

  private NetlinkMonitor(Consumer<NetworkEvent> listener, int portId, SocketFilter filter)
      throws IOException {
    this.listener = listener;
    this.socket =
        NetlinkSocket.open(NetlinkProtocol.ROUTE, GROUPS, RECEIVE_BUFFER_BYTES, portId, filter);
    this.thread = Thread.ofPlatform().name("netlink-monitor").daemon().start(this::run);
  }

  /**
   * The one of an agent, of which a network namespace has room for one with each mark: two with the
   * same would take each other's addresses off. Virtual addresses that are put go unreported, as
   * the kernel keeps them back: agents renew thousands each second.
   *
   * @throws IOException if the kernel refuses, or another agent runs here
   */
  public static NetlinkMonitor ofTheAgent(Consumer<NetworkEvent> listener) throws IOException {
    try {
      return new NetlinkMonitor(listener, AGENT_PORT_ID, SocketFilter.NO_RENEWALS);
    } catch (ErrnoException e) {
      if (e.errno() == Errno.EADDRINUSE) {
        throw new IOException("another virtualip agent runs on this node: stop that one first", e);
      }
      throw e;
    }
  }

  private void run() {
    while (!closed) {
      try {
        socket.receive(-1).forEach(message -> report(message.body()));
      } catch (ErrnoException e) {
        if (e.errno() != Errno.ENOBUFS) {
          throw new UncheckedIOException(e);
        }
        discardWaiting();
        log.warn("netlink overrun=true consequence=\"events lost, all is to be read anew\"");
        listener.accept(new NetworkEvent.Overrun());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /**
   * Drops the waiting reports: after an overrun they are older than the state that the listener
   * reads again.
   */
  private void discardWaiting() {
    boolean more = true;
    while (more && !closed) {
      try {
        more = !socket.receive(0).isEmpty();
      } catch (ErrnoException e) {
        more = e.errno() == Errno.ENOBUFS;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private void report(Body body) {
    switch (body) {
      case Body.LinkState(boolean removed, var link) ->
          listener.accept(
              removed
                  ? new NetworkEvent.LinkRemoved(link.index(), link.name())
                  : new NetworkEvent.LinkChanged(link));
      case Body.AddressState(boolean removed, var address) ->
          listener.accept(
              removed
                  ? new NetworkEvent.AddressRemoved(address)
                  : new NetworkEvent.AddressPut(address));
      case Body.RouteState(boolean removed, boolean replaces, int protocol, var route) -> {
        boolean ours = protocol == AddressPort.PROTOCOL;
        if (removed && ours || replaces && !ours) {
          listener.accept(new NetworkEvent.RouteRemoved(route));
        }
      }
      case Body.RuleState(boolean removed, int protocol, var rule) -> {
        if (removed && protocol == AddressPort.PROTOCOL) {
          listener.accept(new NetworkEvent.RuleRemoved(rule));
        }
      }
      case Body.Rejected(var reason) -> {
        log.warn("netlink rejected=\"{}\"", reason);
        listener.accept(new NetworkEvent.Overrun());
      }
      case IpvsMessage _, NftMessage _, Body.Acknowledged _, Body.Done _, Body.Skipped _ -> {}
    }
  }

  /** Stops the thread, at once unless the listener blocks, and closes the socket. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      socket.wake();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    boolean interrupted = false;
    while (thread != Thread.currentThread() && thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    socket.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
