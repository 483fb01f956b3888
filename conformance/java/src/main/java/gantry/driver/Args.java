package gantry.driver;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/** The fields of one command, with defaults, and the client library's values made of them. */
final class Args {
    private final JsonObject o;

    Args(JsonObject o) {
        this.o = o;
    }

    boolean has(String key) {
        return o.has(key) && !o.get(key).isJsonNull();
    }

    String str(String key) {
        if (!has(key)) {
            throw new IllegalArgumentException("the command lacks " + key);
        }
        return o.get(key).getAsString();
    }

    String str(String key, String otherwise) {
        return has(key) ? o.get(key).getAsString() : otherwise;
    }

    int num(String key, int otherwise) {
        return has(key) ? o.get(key).getAsInt() : otherwise;
    }

    long big(String key, long otherwise) {
        return has(key) ? o.get(key).getAsLong() : otherwise;
    }

    boolean flag(String key) {
        return has(key) && o.get(key).getAsBoolean();
    }

    String[] strings(String key) {
        List<String> list = new ArrayList<>();
        for (JsonElement e : o.getAsJsonArray(key)) {
            list.add(e.getAsString());
        }
        return list.toArray(new String[0]);
    }

    Args sub(String key) {
        return new Args(o.getAsJsonObject(key));
    }

    List<Args> subs(String key) {
        List<Args> list = new ArrayList<>();
        JsonArray array = o.getAsJsonArray(key);
        for (JsonElement e : array) {
            list.add(new Args(e.getAsJsonObject()));
        }
        return list;
    }

    /** Applies what all clients share. Each has an instance of its own unless the command names one. */
    <C extends ClientConfig> C configure(C c) throws Exception {
        c.setNamesrvAddr(str("namesrv"));
        c.setInstanceName(str("instance", str("client")));
        if (has("unit")) {
            c.setUnitName(str("unit"));
        }
        c.setUnitMode(flag("unitMode"));
        if (has("namespace")) {
            c.setNamespace(str("namespace"));
        }
        if (has("namespaceV2")) {
            // since 5.2.0
            ClientConfig.class.getMethod("setNamespaceV2", String.class).invoke(c, str("namespaceV2"));
        }
        if (has("tls")) {
            c.setUseTLS(flag("tls"));
        }
        if (has("heartbeatMs")) {
            c.setHeartbeatBrokerInterval(num("heartbeatMs", 0));
        }
        if (has("persistMs")) {
            c.setPersistConsumerOffsetInterval(num("persistMs", 0));
        }
        if (has("pollNamesrvMs")) {
            c.setPollNameServerInterval(num("pollNamesrvMs", 0));
        }
        if (has("heartbeatV2")) {
            // since 5.1.4
            ClientConfig.class.getMethod("setUseHeartbeatV2", boolean.class).invoke(c, flag("heartbeatV2"));
        }
        return c;
    }

    Message message() {
        Message m = new Message();
        m.setTopic(str("topic"));
        m.setBody(has("body") ? Base64.getDecoder().decode(str("body")) : null);
        if (has("tags")) {
            m.setTags(str("tags"));
        }
        if (has("keys")) {
            m.setKeys(str("keys"));
        }
        if (has("delay")) {
            m.setDelayTimeLevel(num("delay", 0));
        }
        if (has("priority")) {
            set(m, "setPriority", int.class, num("priority", 0));
        }
        time(m, "delaySec", "setDelayTimeSec");
        time(m, "delayMs", "setDelayTimeMs");
        time(m, "deliverMs", "setDeliverTimeMs");
        if (has("flag")) {
            m.setFlag(num("flag", 0));
        }
        if (has("waitStoreOK")) {
            m.setWaitStoreMsgOK(flag("waitStoreOK"));
        }
        if (has("properties")) {
            for (Map.Entry<String, JsonElement> e : o.getAsJsonObject("properties").entrySet()) {
                m.putUserProperty(e.getKey(), e.getValue().getAsString());
            }
        }
        if (has("raw")) {
            // properties that the client library reserves for itself, such as TIMER_DELIVER_MS
            for (Map.Entry<String, JsonElement> e : o.getAsJsonObject("raw").entrySet()) {
                org.apache.rocketmq.common.message.MessageAccessor.putProperty(m, e.getKey(), e.getValue().getAsString());
            }
        }
        return m;
    }

    /** Sets a delivery time. */
    private void time(Message m, String key, String setter) {
        if (has(key)) {
            set(m, setter, long.class, big(key, 0));
        }
    }

    /** Calls a setter that 4.9 does not have. */
    private static void set(Message m, String setter, Class<?> type, Object value) {
        try {
            Message.class.getMethod(setter, type).invoke(m, value);
        } catch (ReflectiveOperationException e) {
            throw new IllegalArgumentException("this client has no " + setter, e);
        }
    }

    MessageQueue queue() {
        return new MessageQueue(str("topic"), str("broker"), num("queue", 0));
    }
}
