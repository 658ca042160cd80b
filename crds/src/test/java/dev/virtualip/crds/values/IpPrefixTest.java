package dev.virtualip.crds.values;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IpPrefixTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "0.0.0.0/0",
        "203.0.113.10/24",
        "255.255.255.255/32",
        "10.100.9.99/8",
        "::/0",
        "::1/128",
        "2001:db8::10/64",
        "fe80::61/128",
        "1:0:0:2::3/64",
        "1:0:2:3:4:5:6:7/1",
        "1::/16",
        "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff/128"
      })
  void prefixesAreParsedAndPrinted(String text) {
    assertEquals(text, IpPrefix.parse(text).toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "203.0.113.10",
        "203.0.113.10/",
        "203.0.113.10/33",
        "203.0.113.10/-1",
        "203.0.113/24",
        "203.0.113.256/24",
        "203.0.113.010/24",
        "203.0.113.01/24",
        "203.0.113.10./24",
        "a.b.c.d/24",
        "2001:db8::1",
        "2001:db8::1/129",
        "2001:db8::1::2/64",
        "fe80::1%eth0/64",
        "[fe80::1]/64",
        "::ffff:203.0.113.10/96",
        "1:2:3:4:5:6:7:8:9/64",
        " 203.0.113.10/24",
        "host/24"
      })
  void otherTextsAreRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> IpPrefix.parse(text));
  }

  @ParameterizedTest
  @CsvSource({
    "203.0.113.10/24, 203.0.113.0/24",
    "203.0.113.10/32, 203.0.113.10/32",
    "203.0.113.10/0, 0.0.0.0/0",
    "203.0.113.255/25, 203.0.113.128/25",
    "10.255.255.255/9, 10.128.0.0/9",
    "2001:db8::10/64, 2001:db8::/64",
    "2001:db8::ff00/121, 2001:db8::ff00/121",
    "::fffe:0:1/128, ::fffe:0:1/128",
    "fe80::1/10, fe80::/10"
  })
  void theNetworkHasNoBitsBehindThePrefix(String text, String network) {
    var prefix = IpPrefix.parse(text);
    assertEquals(network, prefix.network().toString());
    assertEquals(text.equals(network), prefix.isNetwork());
  }

  @ParameterizedTest
  @CsvSource({
    "203.0.113.10/24, 203.0.113.255/24",
    "203.0.113.65/26, 203.0.113.127/26",
    "203.0.113.10/32, 203.0.113.10/32",
    "10.0.0.1/0, 255.255.255.255/0",
    "2001:db8::10/64, 2001:db8::ffff:ffff:ffff:ffff/64"
  })
  void theLastOfAPrefixHasAllBitsBehindIt(String text, String last) {
    assertEquals(last, IpPrefix.parse(text).last().toString());
  }

  @Test
  void aPrefixContainsAddressesOfItsOwnFamily() {
    var prefix = IpPrefix.parse("2001:db8::10/64");
    assertTrue(prefix.contains(IpPrefix.parseAddress("2001:db8::ffff")));
    assertFalse(prefix.contains(IpPrefix.parseAddress("2001:db8:0:1::10")));
    assertFalse(IpPrefix.parse("0.0.0.0/0").contains(IpPrefix.parseAddress("::1")));
  }
}
