package dev.virtualip.crds;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IpPrefixTest {
  @ParameterizedTest
  @ValueSource(strings = {"0.0.0.0/0", "203.0.113.10/24", "255.255.255.255/32", "10.100.9.99/8"})
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
        "2001:db8::1/64",
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
    "10.255.255.255/9, 10.128.0.0/9"
  })
  void theNetworkHasNoBitsBehindThePrefix(String text, String network) {
    var prefix = IpPrefix.parse(text);
    assertEquals(network, prefix.network().toString());
    assertEquals(text.equals(network), prefix.isNetwork());
  }
}
