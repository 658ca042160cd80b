package dev.virtualip.agent.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SequenceLayout;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** A netlink socket to the kernel, in the network namespace of the thread that opens it. */
final class NetlinkSocket implements AutoCloseable {
  /** Size of the receive buffer; the kernel fills at most 32 KiB with a dump's messages. */
  private static final int RECEIVE_BYTES = 64 * 1024;

  private static final StructLayout SOCKADDR_NL =
      MemoryLayout.structLayout(
          ValueLayout.JAVA_SHORT.withName("nl_family"),
          ValueLayout.JAVA_SHORT.withName("nl_pad"),
          ValueLayout.JAVA_INT.withName("nl_pid"),
          ValueLayout.JAVA_INT.withName("nl_groups"));
  private static final StructLayout POLLFD =
      MemoryLayout.structLayout(
          ValueLayout.JAVA_INT.withName("fd"),
          ValueLayout.JAVA_SHORT.withName("events"),
          ValueLayout.JAVA_SHORT.withName("revents"));
  private static final SequenceLayout POLLFDS = MemoryLayout.sequenceLayout(2, POLLFD);
  private static final long REVENTS_OFFSET = 6;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment received = arena.allocate(RECEIVE_BYTES, 8);
  private final MemorySegment pollfds = arena.allocate(POLLFDS);
  private final NetlinkProtocol protocol;
  private final int fd;
  private final int wakeFd;

  private NetlinkSocket(NetlinkProtocol protocol, int fd, int wakeFd) {
    this.protocol = protocol;
    this.fd = fd;
    this.wakeFd = wakeFd;
    watch(0, fd);
    watch(1, wakeFd);
  }

  private void watch(int index, int descriptor) {
    var pollfd = pollfds.asSlice(index * POLLFD.byteSize(), POLLFD);
    pollfd.set(ValueLayout.JAVA_INT, 0, descriptor);
    pollfd.set(ValueLayout.JAVA_SHORT, 4, Libc.POLLIN);
  }

  /**
   * Opens a socket.
   *
   * @param groups multicast groups (RTMGRP_*) to receive, 0 = none
   * @param receiveBytes wanted size of the kernel's receive buffer
   * @param portId netlink address of its own, or 0 for any that is free
   * @param filter what is received has to pass it; null if all is
   */
  static NetlinkSocket open(
      NetlinkProtocol protocol, int groups, int receiveBytes, int portId, SocketFilter filter)
      throws IOException {
    int fd = Libc.socket(Libc.AF_NETLINK, Libc.SOCK_RAW, protocol.number());
    int wakeFd = -1;
    try (var arena = Arena.ofConfined()) {
      setReceiveBuffer(fd, receiveBytes);
      for (int option :
          List.of(
              Rtnetlink.NETLINK_CAP_ACK,
              Rtnetlink.NETLINK_EXT_ACK,
              Rtnetlink.NETLINK_GET_STRICT_CHK)) {
        setIfKnown(fd, option);
      }
      if (filter != null) {
        Libc.attach(fd, filter);
      }
      var address = arena.allocate(SOCKADDR_NL);
      address.set(ValueLayout.JAVA_SHORT, 0, (short) Libc.AF_NETLINK);
      address.set(ValueLayout.JAVA_INT, 4, portId);
      address.set(ValueLayout.JAVA_INT, 8, groups);
      Libc.bind(fd, address);
      wakeFd = Libc.eventfd();
      return new NetlinkSocket(protocol, fd, wakeFd);
    } catch (IOException | RuntimeException | Error e) {
      Libc.close(fd);
      if (wakeFd >= 0) {
        Libc.close(wakeFd);
      }
      throw e;
    }
  }

  /**
   * Only with NET_ADMIN can the size exceed net.core.rmem_max; without it the smaller size has to
   * do.
   */
  private static void setReceiveBuffer(int fd, int bytes) throws IOException {
    try {
      Libc.setsockopt(fd, Libc.SOL_SOCKET, Libc.SO_RCVBUFFORCE, bytes);
    } catch (ErrnoException e) {
      Libc.setsockopt(fd, Libc.SOL_SOCKET, Libc.SO_RCVBUF, bytes);
    }
  }

  /**
   * Kernels before 4.20 lack these options; then acknowledgements are longer, without explanations,
   * and dumps are not filtered.
   */
  private static void setIfKnown(int fd, int option) throws IOException {
    try {
      Libc.setsockopt(fd, Rtnetlink.SOL_NETLINK, option, 1);
    } catch (ErrnoException e) {
      if (e.errno() != Errno.ENOPROTOOPT) {
        throw e;
      }
    }
  }

  /** Sends requests. The kernel has handled them when this returns. */
  void send(MemorySegment requests) throws IOException {
    long sent = Libc.send(fd, requests);
    if (sent != requests.byteSize()) {
      throw new IOException("netlink took " + sent + " of " + requests.byteSize() + " bytes");
    }
  }

  /**
   * Receives one datagram.
   *
   * @param timeoutMillis -1 = wait for ever
   * @return its messages; empty after the timeout or after {@link #wake}
   * @throws ErrnoException ENOBUFS if the kernel has dropped messages since the last call
   */
  List<NetlinkMessage> receive(int timeoutMillis) throws IOException {
    if (Libc.poll(pollfds, 2, timeoutMillis) == 0 || ready(1)) {
      return List.of();
    }
    long length = Libc.recv(fd, received, Libc.MSG_TRUNC);
    if (length > RECEIVE_BYTES) {
      throw new ErrnoException("recv(netlink, datagram of " + length + " bytes)", Errno.ENOBUFS);
    }
    ByteBuffer datagram = received.asSlice(0, length).asByteBuffer();
    return NetlinkMessage.parse(datagram.order(ByteOrder.nativeOrder()), protocol);
  }

  private boolean ready(int index) {
    long offset = index * POLLFD.byteSize() + REVENTS_OFFSET;
    return pollfds.get(ValueLayout.JAVA_SHORT, offset) != 0;
  }

  /**
   * Makes the present and every later {@link #receive} return at once. Callable from another
   * thread.
   */
  void wake() throws IOException {
    Libc.write(wakeFd, 1);
  }

  /** Call it only once, and while no other call is in progress. */
  @Override
  public void close() {
    Libc.close(fd);
    Libc.close(wakeFd);
    arena.close();
  }
}
