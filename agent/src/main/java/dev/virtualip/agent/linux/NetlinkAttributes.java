package dev.virtualip.agent.linux;

import static dev.virtualip.agent.linux.Rtnetlink.*;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiConsumer;

/** Reads the attributes of messages from the kernel. */
final class NetlinkAttributes {
  /** The bytes are not what a message of their type has. */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1;

    Malformed(String reason) {
      super(reason, null, false, false);
    }
  }

  private NetlinkAttributes() {}

  static Map<Integer, ByteBuffer> attributes(ByteBuffer in, int offset) throws Malformed {
    var attributes = new HashMap<Integer, ByteBuffer>();
    eachAttribute(in, offset, attributes::put);
    return attributes;
  }

  static void eachAttribute(ByteBuffer in, int offset, BiConsumer<Integer, ByteBuffer> consumer)
      throws Malformed {
    int at = offset;
    while (in.limit() - at >= ATTRIBUTE_HEADER) {
      int length = Short.toUnsignedInt(in.getShort(at));
      if (length < ATTRIBUTE_HEADER || length > in.limit() - at) {
        throw new Malformed("attribute of " + length + " bytes in " + (in.limit() - at));
      }
      int type = in.getShort(at + 2) & ATTRIBUTE_TYPE_MASK;
      var value = in.slice(at + ATTRIBUTE_HEADER, length - ATTRIBUTE_HEADER).order(in.order());
      consumer.accept(type, value);
      at += align(length);
    }
  }

  static InetAddress inetAddress(int family, ByteBuffer address) throws Malformed {
    if (address.remaining() != (family == AF_INET ? 4 : 16)) {
      throw new Malformed("address of " + address.remaining() + " bytes in family " + family);
    }
    try {
      // InetAddress.getByAddress would turn an IPv4-mapped IPv6 address into an IPv4 one.
      return family == AF_INET
          ? InetAddress.getByAddress(bytes(address))
          : Inet6Address.getByAddress(null, bytes(address), -1);
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }

  static long number(Map<Integer, ByteBuffer> attributes, int type, long otherwise)
      throws Malformed {
    return attributes.containsKey(type) ? number(attributes, type) : otherwise;
  }

  static ByteBuffer present(Map<Integer, ByteBuffer> attributes, int type) throws Malformed {
    var value = attributes.get(type);
    if (value == null) {
      throw new Malformed("attribute " + type + " is missing");
    }
    return value;
  }

  static Map<Integer, ByteBuffer> nested(Map<Integer, ByteBuffer> attributes, int type)
      throws Malformed {
    return attributes(present(attributes, type), 0);
  }

  static int shortNumber(Map<Integer, ByteBuffer> attributes, int type) throws Malformed {
    var value = present(attributes, type);
    need(value, Short.BYTES);
    return Short.toUnsignedInt(value.getShort(0));
  }

  static long number(Map<Integer, ByteBuffer> attributes, int type) throws Malformed {
    var value = present(attributes, type);
    need(value, Integer.BYTES);
    return Integer.toUnsignedLong(value.getInt(0));
  }

  static long longNumber(Map<Integer, ByteBuffer> attributes, int type) throws Malformed {
    var value = present(attributes, type);
    need(value, Long.BYTES);
    return value.getLong(0);
  }

  /** The text up to its terminating zero byte. */
  static String text(ByteBuffer value) {
    var text = new String(bytes(value), StandardCharsets.UTF_8);
    int end = text.indexOf('\0');
    return end < 0 ? text : text.substring(0, end);
  }

  static byte[] bytes(ByteBuffer value) {
    var bytes = new byte[value.remaining()];
    value.get(0, bytes);
    return bytes;
  }

  static void need(ByteBuffer in, int bytes) throws Malformed {
    if (in.remaining() < bytes) {
      throw new Malformed(in.remaining() + " bytes instead of " + bytes);
    }
  }
}
