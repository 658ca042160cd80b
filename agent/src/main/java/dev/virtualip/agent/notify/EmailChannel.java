package dev.virtualip.agent.notify;

import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.Notifications;
import dev.virtualip.crds.schema.Notifications.Email;
import dev.virtualip.crds.schema.Notifications.Smtp;
import dev.virtualip.crds.schema.Notifications.Tls;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.values.Durations;
import jakarta.mail.AuthenticationFailedException;
import jakarta.mail.Message.RecipientType;
import jakarta.mail.MessagingException;
import jakarta.mail.SendFailedException;
import jakarta.mail.Session;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.eclipse.angus.mail.smtp.SMTPAddressFailedException;
import org.eclipse.angus.mail.smtp.SMTPSendFailedException;
import org.eclipse.angus.mail.smtp.SMTPSenderFailedException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sends one mail to all recipients (keepalived: {@code smtp_alert}). */
record EmailChannel(Email email, Map<SecretKey, byte[]> secrets, String node) implements Channel {
  private static final Logger LOG = LoggerFactory.getLogger(EmailChannel.class);

  /** How many times a server may use up the connectTimeout: for greeting, commands and text. */
  private static final int ANSWERS = 4;

  /**
   * A mail that keeps its Message-ID when it is sent again, so that a duplicate can be recognized.
   */
  private static final class Message extends MimeMessage {
    private final String id;

    Message(Session session, String id) {
      super(session);
      this.id = id;
    }

    @Override
    protected void updateMessageID() throws MessagingException {
      setHeader("Message-ID", id);
    }
  }

  @Override
  public void deliver(Notification notification) throws IOException, InterruptedException {
    var missing = problems();
    if (!missing.isEmpty()) {
      throw new IOException(missing.getFirst().message());
    }
    var smtp = email.smtp();
    Names.lookUp(smtp.host(), timeout());
    var session = Session.getInstance(settings(smtp));
    try (var transport = session.getTransport("smtp")) {
      var message = message(session, notification);
      var credentials = smtp.credentialsSecretRef();
      if (credentials == null) {
        transport.connect();
      } else {
        transport.connect(text(credentials.username()), text(credentials.password()));
      }
      transport.sendMessage(message, message.getAllRecipients());
    } catch (SendFailedException e) {
      sendFailed(e);
    } catch (AuthenticationFailedException e) {
      // Not tried again, as repeated failures may lock the account.
      throw new Undeliverable(
          "%s refuses user name or password (%s)".formatted(smtp.host(), reason(e)));
    } catch (MessagingException e) {
      throw new IOException(reason(e), e);
    }
  }

  /** If only some recipients were refused the mail is not sent again, as the others have got it. */
  private static void sendFailed(SendFailedException e) throws IOException {
    var sent = e.getValidSentAddresses();
    if (sent != null && sent.length > 0) {
      LOG.warn("mail_refused_for_some sent={} error=\"{}\"", Arrays.toString(sent), reason(e));
      return;
    }
    if (returnCode(e) / 100 == 5) {
      throw new Undeliverable(reason(e));
    }
    throw new IOException(reason(e), e);
  }

  /** The SMTP reply code of a refusal; 0 if there is none. */
  private static int returnCode(MessagingException e) {
    return switch (e) {
      case SMTPSendFailedException failed -> failed.getReturnCode();
      case SMTPSenderFailedException failed -> failed.getReturnCode();
      case SMTPAddressFailedException failed -> failed.getReturnCode();
      default -> e.getNextException() instanceof MessagingException next ? returnCode(next) : 0;
    };
  }

  /** All messages of the chain in one line, as the outer one often says only that it failed. */
  private static String reason(MessagingException e) {
    var text = new StringBuilder();
    for (Exception next = e;
        next != null;
        next = next instanceof MessagingException m ? m.getNextException() : null) {
      var message = String.valueOf(next.getMessage()).strip();
      if (text.indexOf(message) < 0) {
        text.append(text.isEmpty() ? "" : ": ").append(message);
      }
    }
    return text.toString().replaceAll("[;\\s]*\\R\\s*", ": ");
  }

  private MimeMessage message(Session session, Notification notification)
      throws MessagingException {
    var id =
        "%d.%s.%s@%s"
            .formatted(
                notification.time().toEpochMilli(),
                notification.name(),
                notification.state(),
                node.replaceAll("[^A-Za-z0-9.-]", "-"));
    var message = new Message(session, "<" + id + ">");
    message.setFrom(new InternetAddress(email.from()));
    for (var to : email.to()) {
      message.addRecipient(RecipientType.TO, new InternetAddress(to));
    }
    var routerId = email.routerId() == null ? node : email.routerId();
    message.setSubject(MailText.subject(routerId, notification), "UTF-8");
    message.setText(MailText.body(notification), "UTF-8");
    message.setSentDate(Date.from(notification.time()));
    message.setHeader("Auto-Submitted", "auto-generated");
    return message;
  }

  private Properties settings(Smtp smtp) throws IOException {
    var timeout = Long.toString(timeout().toMillis());
    var settings = new Properties();
    settings.put("mail.smtp.host", smtp.host());
    settings.put("mail.smtp.port", smtp.port().toString());
    settings.put("mail.smtp.connectiontimeout", timeout);
    settings.put("mail.smtp.timeout", timeout);
    // Set, so that the library does not look up the host's name in DNS.
    settings.put("mail.smtp.localhost", smtp.helo() == null ? node : smtp.helo());
    settings.put("mail.from", email.from());
    settings.put("mail.smtp.sendpartial", "true");
    settings.put("mail.smtp.auth", Boolean.toString(smtp.credentialsSecretRef() != null));
    if (smtp.tls() != Tls.None) {
      boolean startTls = smtp.tls() == Tls.StartTLS;
      settings.put("mail.smtp.ssl.enable", Boolean.toString(!startTls));
      settings.put("mail.smtp.starttls.enable", Boolean.toString(startTls));
      settings.put("mail.smtp.starttls.required", Boolean.toString(startTls));
      settings.put("mail.smtp.ssl.checkserveridentity", "true");
      settings.put("mail.smtp.ssl.socketFactory", Trust.in(smtp.ca()).getSocketFactory());
    }
    return settings;
  }

  private String text(SecretKey key) {
    return new String(secrets.get(key), StandardCharsets.UTF_8);
  }

  private Duration timeout() {
    return Durations.parse(email.smtp().connectTimeout());
  }

  @Override
  public Duration limit() {
    return timeout().multipliedBy(ANSWERS);
  }

  @Override
  public List<Problem> problems() {
    var ref = email.smtp().credentialsSecretRef();
    if (ref == null || secrets.containsKey(ref.username()) && secrets.containsKey(ref.password())) {
      return List.of();
    }
    return List.of(
        new Problem(
            "spec.notifications.email.smtp.credentialsSecretRef",
            "create the Secret %s with the keys username and password and the label %s=true"
                .formatted(ref.name(), Notifications.SECRET_LABEL)));
  }
}
