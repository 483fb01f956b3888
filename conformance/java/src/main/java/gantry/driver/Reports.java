package gantry.driver;

import java.lang.reflect.InvocationTargetException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Turns what the client library returns and throws into JSON. */
final class Reports {
    /** Longer bodies are reported by their digest only. */
    private static final int MAX_BODY = 16 * 1024;

    private Reports() {
    }

    static Map<String, Object> error(Throwable t) {
        while ((t instanceof InvocationTargetException || t instanceof ExecutionException) && t.getCause() != null) {
            t = t.getCause();
        }
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("class", t.getClass().getName());
        m.put("message", String.valueOf(t.getMessage()));
        if (t instanceof MQBrokerException) {
            m.put("code", ((MQBrokerException) t).getResponseCode());
            m.put("remark", ((MQBrokerException) t).getErrorMessage());
        } else if (t instanceof MQClientException) {
            m.put("code", ((MQClientException) t).getResponseCode());
            m.put("remark", ((MQClientException) t).getErrorMessage());
        }
        if (t.getCause() != null && t.getCause() != t) {
            m.put("cause", error(t.getCause()));
        }
        return m;
    }

    static Map<String, Object> sent(SendResult r) {
        if (r == null) {
            return null;
        }
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("status", r.getSendStatus().name());
        m.put("msgId", r.getMsgId());
        m.put("offsetMsgId", r.getOffsetMsgId());
        m.put("queueOffset", r.getQueueOffset());
        if (r.getMessageQueue() != null) {
            m.put("queue", r.getMessageQueue().getQueueId());
            m.put("topic", r.getMessageQueue().getTopic());
            m.put("broker", r.getMessageQueue().getBrokerName());
        }
        m.put("transactionId", r.getTransactionId());
        m.put("regionId", r.getRegionId());
        m.put("traceOn", r.isTraceOn());
        try {
            // since 5.1: the handle by which a timed message can be recalled
            m.put("recallHandle", SendResult.class.getMethod("getRecallHandle").invoke(r));
        } catch (ReflectiveOperationException e) {
            m.put("recallHandle", null);
        }
        if (r instanceof TransactionSendResult) {
            m.put("localState", String.valueOf(((TransactionSendResult) r).getLocalTransactionState()));
        }
        return m;
    }

    static Map<String, Object> queue(MessageQueue q) {
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("topic", q.getTopic());
        m.put("broker", q.getBrokerName());
        m.put("queue", q.getQueueId());
        return m;
    }

    static List<Object> queues(Collection<MessageQueue> queues) {
        List<Object> list = new ArrayList<>();
        queues.stream().sorted().forEach(q -> list.add(queue(q)));
        return list;
    }

    static Map<String, Object> message(Message msg) {
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("topic", msg.getTopic());
        m.put("tags", msg.getTags());
        m.put("keys", msg.getKeys());
        m.put("flag", msg.getFlag());
        m.put("properties", msg.getProperties());
        byte[] body = msg.getBody() == null ? new byte[0] : msg.getBody();
        m.put("size", body.length);
        m.put("sha256", digest(body));
        if (body.length <= MAX_BODY) {
            m.put("body", Base64.getEncoder().encodeToString(body));
        }
        if (msg instanceof MessageExt) {
            MessageExt x = (MessageExt) msg;
            m.put("broker", x.getBrokerName());
            m.put("queue", x.getQueueId());
            m.put("queueOffset", x.getQueueOffset());
            m.put("physicalOffset", x.getCommitLogOffset());
            m.put("msgId", x.getMsgId());
            m.put("sysFlag", x.getSysFlag());
            m.put("reconsumeTimes", x.getReconsumeTimes());
            m.put("bornTimestamp", x.getBornTimestamp());
            m.put("storeTimestamp", x.getStoreTimestamp());
            m.put("bornHost", String.valueOf(x.getBornHost()));
            m.put("storeHost", String.valueOf(x.getStoreHost()));
            m.put("storeSize", x.getStoreSize());
            m.put("bodyCRC", x.getBodyCRC());
            m.put("preparedOffset", x.getPreparedTransactionOffset());
            m.put("transactionId", x.getTransactionId());
        }
        return m;
    }

    static List<Object> messages(Collection<? extends Message> msgs) {
        List<Object> list = new ArrayList<>();
        if (msgs != null) {
            msgs.forEach(x -> list.add(message(x)));
        }
        return list;
    }

    static Map<String, Object> pulled(PullResult r) {
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("status", r.getPullStatus().name());
        m.put("next", r.getNextBeginOffset());
        m.put("min", r.getMinOffset());
        m.put("max", r.getMaxOffset());
        m.put("messages", messages(r.getMsgFoundList()));
        return m;
    }

    static String digest(byte[] body) {
        try {
            StringBuilder s = new StringBuilder();
            for (byte b : MessageDigest.getInstance("SHA-256").digest(body)) {
                s.append(String.format("%02x", b));
            }
            return s.toString();
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    static Map<String, Object> event(String event, String client) {
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("event", event);
        m.put("client", client);
        return m;
    }
}
