package dev.virtualip.agent.client;

import dev.virtualip.crds.values.Certificates;
import dev.virtualip.crds.values.Trust;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;

/** What credentials mean for TLS. With a certificate authority only that one is trusted. */
final class Tls {
  private static final Pattern KEY =
      Pattern.compile("-----BEGIN ([A-Z ]*)PRIVATE KEY-----([^-]+)-----END");

  /** Of a key in memory, which needs one. */
  private static final char[] PASSWORD = "memory".toCharArray();

  /** DER of the algorithms of a PKCS #8 key: rsaEncryption; id-ecPublicKey, without the curve. */
  private static final byte[] RSA = HexFormat.of().parseHex("06092a864886f70d0101010500");

  private static final byte[] EC = HexFormat.of().parseHex("06072a8648ce3d0201");

  private Tls() {}

  static SSLContext context(Credentials credentials, boolean insecure) throws IOException {
    try {
      var context = SSLContext.getInstance("TLS");
      context.init(keys(credentials), trust(credentials.authority(), insecure), null);
      return context;
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new IOException("the credentials for the API server: " + e.getMessage(), e);
    }
  }

  private static TrustManager[] trust(String authority, boolean insecure)
      throws IOException, GeneralSecurityException {
    if (insecure) {
      return Trust.anybody();
    }
    return authority == null ? null : Trust.only(authority);
  }

  private static KeyManager[] keys(Credentials credentials)
      throws IOException, GeneralSecurityException {
    if (credentials.certificate() == null || credentials.key() == null) {
      return null;
    }
    var store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    var chain = Certificates.parse(credentials.certificate()).toArray(Certificate[]::new);
    store.setKeyEntry("client", key(credentials.key()), PASSWORD, chain);
    var factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, PASSWORD);
    return factory.getKeyManagers();
  }

  /** A key as openssl, kubeadm or k3s writes it: PKCS #8, PKCS #1 of RSA, or SEC 1. */
  static PrivateKey key(String pem) throws GeneralSecurityException {
    var matcher = KEY.matcher(pem);
    if (!matcher.find()) {
      throw new InvalidKeySpecException("the client key is not in PEM, or is encrypted");
    }
    var der = Base64.getMimeDecoder().decode(matcher.group(2));
    var encoded =
        switch (matcher.group(1)) {
          case "" -> der;
          case "RSA " -> pkcs8(RSA, der);
          case "EC " -> pkcs8(concatenated(EC, curve(der)), der);
          default ->
              throw new InvalidKeySpecException(
                  "a client key of the kind " + matcher.group(1) + "is not supported");
        };
    for (var algorithm : List.of("RSA", "EC", "Ed25519")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(encoded));
      } catch (InvalidKeySpecException _) {
        // It may be one of the others.
      }
    }
    throw new InvalidKeySpecException("the client key is of none of RSA, EC and Ed25519");
  }

  /** RFC 5208, section 5: version, algorithm, key. */
  private static byte[] pkcs8(byte[] algorithm, byte[] key) {
    return der(0x30, concatenated(new byte[] {2, 1, 0}, der(0x30, algorithm), der(4, key)));
  }

  /** RFC 5915, section 3: the curve's name is what the element [0] has. */
  private static byte[] curve(byte[] key) throws InvalidKeySpecException {
    var in = ByteBuffer.wrap(key);
    in.get();
    length(in);
    while (in.remaining() > 2) {
      int tag = in.get() & 0xff;
      var value = new byte[Math.min(length(in), in.remaining())];
      in.get(value);
      if (tag == 0xa0) {
        return value;
      }
    }
    throw new InvalidKeySpecException("the client key names no curve");
  }

  private static int length(ByteBuffer in) {
    int first = in.get() & 0xff;
    int length = first;
    if (first > 0x80) {
      length = 0;
      for (int i = 0x80; i < first; i++) {
        length = length << 8 | in.get() & 0xff;
      }
    }
    return length;
  }

  private static byte[] der(int tag, byte[] value) {
    int n = value.length;
    byte[] head =
        n < 0x80
            ? new byte[] {(byte) tag, (byte) n}
            : new byte[] {(byte) tag, (byte) 0x82, (byte) (n >> 8), (byte) n};
    return concatenated(head, value);
  }

  private static byte[] concatenated(byte[]... parts) {
    int length = 0;
    for (var part : parts) {
      length += part.length;
    }
    var all = ByteBuffer.allocate(length);
    for (var part : parts) {
      all.put(part);
    }
    return all.array();
  }
}
