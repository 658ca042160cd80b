package dev.virtualip.e2e.lab;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * One end of a tunnel whose NIC has no Ethernet header, as WireGuard's has none: IP packets travel
 * in UDP datagrams.
 */
public final class Tunnel implements AutoCloseable {
  private static final Path DEVICE = Path.of("/dev/net/tun");

  /** Arguments: the NIC, our address below the tunnel, and that of the other end. */
  private static final String PROGRAM =
      """
      import fcntl, os, select, socket, struct, sys
      TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
      nic, here, there = sys.argv[1:]
      tun = os.open("/dev/net/tun", os.O_RDWR)
      fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", nic.encode(), IFF_TUN | IFF_NO_PI))
      udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      udp.bind((here, 5555))
      print("open", flush=True)
      while True:
          for end in select.select([tun, udp], [], [])[0]:
              try:
                  if end is tun:
                      udp.sendto(os.read(tun, 65535), (there, 5555))
                  else:
                      os.write(tun, udp.recv(65535))
              except OSError:
                  pass  # the other end is not there yet, or this NIC is down
      """;

  private final Proc proc;

  private Tunnel(Proc proc) {
    this.proc = proc;
  }

  /** Whether the kernel has such tunnels. */
  public static boolean available() {
    return Files.exists(DEVICE);
  }

  /**
   * Opens an end; returns when its NIC is up.
   *
   * @param nic name of the NIC
   * @param here address of the host that datagrams come from
   * @param there where they go to
   * @param address address of the NIC, as in {@code 192.168.9.1/24}
   */
  public static Tunnel open(Host host, String nic, String here, String there, String address) {
    var proc = host.start("tunnel", "python3", "-c", PROGRAM, nic, here, there);
    proc.awaitOutput("open", Duration.ofSeconds(20));
    host.ip("addr add " + address + " dev " + nic);
    host.ip("link set " + nic + " up");
    return new Tunnel(proc);
  }

  @Override
  public void close() {
    proc.close();
  }
}
