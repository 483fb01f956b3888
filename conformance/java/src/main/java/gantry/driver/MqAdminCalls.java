package gantry.driver;

import com.google.gson.ExclusionStrategy;
import com.google.gson.FieldAttributes;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.RemotingClient;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * The library that admin tools are built on, RocketMQ Dashboard and the Prometheus exporter among them: calls its
 * methods by name and reports what they return as JSON whose members and lists are sorted.
 */
public final class MqAdminCalls implements Main.Closer {
    private static final Gson SHOW = new GsonBuilder().disableHtmlEscaping().setPrettyPrinting().create();
    /** Without what is no data: some bodies hold a source of random numbers. */
    private static final Gson TREE = new GsonBuilder().serializeNulls().setExclusionStrategies(new ExclusionStrategy() {
        @Override
        public boolean shouldSkipField(FieldAttributes f) {
            return Random.class.isAssignableFrom(f.getDeclaredClass());
        }

        @Override
        public boolean shouldSkipClass(Class<?> c) {
            return false;
        }
    }).create();
    private static final long CALL_MS = 10_000;

    private final DefaultMQAdminExt admin;

    private MqAdminCalls(DefaultMQAdminExt admin) {
        this.admin = admin;
    }

    public static MqAdminCalls start(Args a) throws Exception {
        DefaultMQAdminExt admin = new DefaultMQAdminExt(CALL_MS);
        a.configure(admin);
        admin.start();
        return new MqAdminCalls(admin);
    }

    @Override
    public void shutdown() {
        admin.shutdown();
    }

    /**
     * Calls a method. Arguments are texts: words and numbers as they are, anything else as JSON. What the method
     * throws is the result too, by its class and message.
     */
    String call(String method, String[] args) throws Exception {
        Object result;
        try {
            result = method.equals("invoke") ? invoke(args) : invoke(method, args);
        } catch (Exception e) {
            Throwable t = e.getCause() != null && e instanceof java.lang.reflect.InvocationTargetException ? e.getCause() : e;
            return t.getClass().getName() + ": " + t.getMessage();
        }
        return SHOW.toJson(sorted(tree(result)));
    }

    private Object invoke(String name, String[] args) throws Exception {
        List<Method> fitting = Arrays.stream(DefaultMQAdminExt.class.getMethods())
            .filter(m -> m.getName().equals(name) && m.getParameterCount() == args.length)
            .sorted(Comparator.comparing(Method::toGenericString))
            .collect(Collectors.toList());
        RuntimeException unreadable = new IllegalArgumentException("no method " + name + " takes " + args.length + " arguments");
        for (Method m : fitting) {
            Object[] values = new Object[args.length];
            try {
                for (int i = 0; i < args.length; i++) {
                    values[i] = value(args[i], m.getGenericParameterTypes()[i]);
                }
            } catch (com.google.gson.JsonParseException | NumberFormatException e) {
                unreadable = e;
                continue;
            }
            return m.invoke(admin, values);
        }
        throw unreadable;
    }

    private Object value(String text, Type type) throws Exception {
        if (text.equals("null")) {
            return null;
        }
        if (type == String.class) {
            return text.equals("\"\"") ? "" : text;
        }
        if (type == MessageExt.class) { // by topic and id, as tools get hold of one
            String[] id = text.split("/", 2);
            return admin.viewMessage(id[0], id[1]);
        }
        return Main.JSON.fromJson(text, type);
    }

    /** Sends one request by its code, with header fields "key=value", past the library's own methods. */
    private Object invoke(String[] args) throws Exception {
        RemotingCommand request = RemotingCommand.createRequestCommand(Integer.parseInt(args[1]), null);
        HashMap<String, String> fields = new HashMap<>();
        for (String field : Arrays.copyOfRange(args, 2, args.length)) {
            String[] pair = field.split("=", 2);
            fields.put(pair[0], pair[1]);
        }
        request.setExtFields(fields);
        RemotingClient client = admin.getDefaultMQAdminExtImpl().getMqClientInstance().getMQClientAPIImpl().getRemotingClient();
        RemotingCommand answer = client.invokeSync(args[0], request, CALL_MS);
        Map<String, Object> shown = new TreeMap<>();
        shown.put("code", answer.getCode());
        shown.put("remark", answer.getRemark());
        shown.put("fields", answer.getExtFields());
        if (answer.getBody() != null) {
            // Java's dialect of JSON, with numbers as keys, is read by the library that wrote it.
            Object body = com.alibaba.fastjson2.JSON.parse(answer.getBody());
            shown.put("body", JsonParser.parseString(com.alibaba.fastjson2.JSON.toJSONString(body)));
        }
        return shown;
    }

    private static JsonElement tree(Object result) {
        if (result instanceof QueryResult) {
            return TREE.toJsonTree(Reports.messages(((QueryResult) result).getMessageList()));
        }
        if (result instanceof Message) {
            return TREE.toJsonTree(Reports.message((Message) result));
        }
        return TREE.toJsonTree(result);
    }

    /** Java walks hash tables in an order of their own; here members go by name, and lists by what they hold. */
    private static JsonElement sorted(JsonElement e) {
        if (e.isJsonObject()) {
            TreeMap<String, JsonElement> members = new TreeMap<>();
            e.getAsJsonObject().entrySet().forEach(m -> members.put(m.getKey(), sorted(m.getValue())));
            JsonObject o = new JsonObject();
            members.forEach(o::add);
            return o;
        }
        if (e.isJsonArray()) {
            List<JsonElement> items = new ArrayList<>();
            e.getAsJsonArray().forEach(item -> items.add(sorted(item)));
            items.sort(Comparator.comparing(JsonElement::toString));
            JsonArray a = new JsonArray();
            items.forEach(a::add);
            return a;
        }
        return e;
    }
}
