package dev.virtualip.crds.values;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.List;

/** Certificates as PEM text. */
public final class Certificates {
  private static final String WRONG =
      "is no certificate: write PEM, from -----BEGIN CERTIFICATE----- to its end";

  private Certificates() {}

  /**
   * The certificates in a text, at least one.
   *
   * @throws IllegalArgumentException if there is none, or one that cannot be read
   */
  public static List<X509Certificate> parse(String pem) {
    try {
      var bytes = pem.getBytes(StandardCharsets.UTF_8);
      var all =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(bytes));
      if (!all.isEmpty()) {
        return all.stream().map(X509Certificate.class::cast).toList();
      }
    } catch (CertificateException e) {
      throw new IllegalArgumentException(WRONG, e);
    }
    throw new IllegalArgumentException(WRONG);
  }
}
