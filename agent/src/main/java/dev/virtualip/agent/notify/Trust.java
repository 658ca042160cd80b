package dev.virtualip.agent.notify;

import dev.virtualip.crds.values.Certificates;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** The certificate authorities that TLS connections trust. */
final class Trust {
  private Trust() {}

  /**
   * A context that trusts only these authorities.
   *
   * @param ca certificates in PEM, or null for those of Java
   * @throws IOException if they cannot be read
   */
  static SSLContext in(String ca) throws IOException {
    try {
      if (ca == null) {
        return SSLContext.getDefault();
      }
      var store = KeyStore.getInstance(KeyStore.getDefaultType());
      store.load(null, null);
      int number = 0;
      for (var certificate : Certificates.parse(ca)) {
        store.setCertificateEntry("ca-" + number++, certificate);
      }
      var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      var context = SSLContext.getInstance("TLS");
      context.init(null, factory.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IOException("TLS cannot be set up: " + e.getMessage(), e);
    }
  }
}
