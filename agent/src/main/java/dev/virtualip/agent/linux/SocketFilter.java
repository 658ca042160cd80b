package dev.virtualip.agent.linux;

import dev.virtualip.agent.net.AddressPort;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A program by which the kernel decides what a socket receives: classic BPF (linux/filter.h,
 * Documentation/networking/filter.rst).
 *
 * @param instructions in the kernel's order; the last one returns
 */
record SocketFilter(List<Instruction> instructions) {
  private static final int LOAD = 0x00;
  private static final int LOAD_X = 0x01;
  private static final int LOAD_WORD_AT = 0x20;
  private static final int LOAD_HALF_WORD_AT = 0x28;
  private static final int LOAD_BYTE_AT_X = 0x50;
  private static final int JUMP_IF_EQUAL = 0x15;
  private static final int RETURN = 0x06;
  private static final int A_TO_X = 0x07;

  /** Loads the offset of the attribute X that comes at A or later; 0 if there is none. */
  private static final int ATTRIBUTE = -0x1000 + 12;

  private static final int NLMSG_TYPE_OFFSET = 4;

  /** After the headers nlmsghdr and ifaddrmsg. */
  private static final int ADDRESS_ATTRIBUTES_OFFSET = 16 + 8;

  private static final int ATTRIBUTE_HEADER = 4;

  private static final Instruction ALL = new Instruction(RETURN, 0, 0, -1);
  private static final Instruction NONE = new Instruction(RETURN, 0, 0, 0);

  /** Nothing is received. */
  static final SocketFilter NOTHING = new SocketFilter(List.of(NONE));

  /**
   * All reports of rtnetlink but those of {@linkplain AddressPort#isVirtual virtual addresses} that
   * are put. Kernels before 5.18 keep no mark of addresses, and report all.
   */
  static final SocketFilter NO_RENEWALS =
      new SocketFilter(
          List.of(
              new Instruction(LOAD_HALF_WORD_AT, 0, 0, NLMSG_TYPE_OFFSET),
              new Instruction(JUMP_IF_EQUAL, 0, 8, bigEndian((short) Rtnetlink.RTM_NEWADDR)),
              new Instruction(LOAD_X, 0, 0, Rtnetlink.IFA_PROTO),
              new Instruction(LOAD, 0, 0, ADDRESS_ATTRIBUTES_OFFSET),
              new Instruction(LOAD_WORD_AT, 0, 0, ATTRIBUTE),
              new Instruction(JUMP_IF_EQUAL, 4, 0, 0),
              new Instruction(A_TO_X, 0, 0, 0),
              new Instruction(LOAD_BYTE_AT_X, 0, 0, ATTRIBUTE_HEADER),
              new Instruction(JUMP_IF_EQUAL, 2, 0, AddressPort.PROTOCOLS.getFirst()),
              new Instruction(JUMP_IF_EQUAL, 1, 0, AddressPort.PROTOCOLS.getLast()),
              ALL,
              NONE));

  /**
   * One instruction (struct sock_filter).
   *
   * @param jt how many instructions to pass over if a comparison holds
   * @param jf the same if it does not
   * @param k its operand
   */
  record Instruction(int code, int jt, int jf, int k) {}

  /** Filters load numbers as of the network, whereas those of netlink are the machine's own. */
  private static int bigEndian(short number) {
    return Short.toUnsignedInt(
        ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? Short.reverseBytes(number) : number);
  }
}
