package gantry.driver;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A long-lived process that drives the official client. It reads one command per line from standard
 * input, {@code {"id":1,"op":"producer.start","client":"p1",...}}, and answers each, in any order, with
 * {@code {"id":1,"result":...}} or {@code {"id":1,"error":{"class":...,"code":...,"message":...}}} on
 * standard output. What a client reports by itself, such as a consumed message, is a line
 * {@code {"event":"message","client":"c1",...}}. It ends when standard input ends.
 */
public final class Main {
    static final Gson JSON = new GsonBuilder().disableHtmlEscaping().serializeNulls().create();

    private static PrintStream out;

    private final Map<String, Closer> clients = new ConcurrentHashMap<>();
    private final ExecutorService pool = Executors.newCachedThreadPool(r -> {
        Thread t = new Thread(r, "driver");
        t.setDaemon(true);
        return t;
    });

    /** What every client under a name can do, besides the operations of its kind. */
    interface Closer {
        void shutdown();
    }

    public static void main(String[] args) throws Exception {
        // Libraries print to System.out; the protocol keeps the real one for itself.
        out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        System.setOut(System.err);
        new Main().serve();
        System.exit(0);
    }

    static void write(Object line) {
        String text = JSON.toJson(line);
        synchronized (Main.class) {
            out.println(text);
            out.flush();
        }
    }

    private void serve() throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonObject command = JSON.fromJson(line, JsonObject.class);
            pool.execute(() -> answer(command));
        }
    }

    private void answer(JsonObject command) {
        JsonObject reply = new JsonObject();
        reply.add("id", command.get("id"));
        try {
            reply.add("result", JSON.toJsonTree(run(new Args(command))));
        } catch (Throwable t) {
            reply.add("error", JSON.toJsonTree(Reports.error(t)));
        }
        write(reply);
    }

    private Object run(Args a) throws Exception {
        String op = a.str("op");
        switch (op) {
            case "mqadmin":
                return Class.forName("gantry.driver.MqAdmin").getMethod("run", String[].class).invoke(null, (Object) a.strings("args"));
            case "calls.start":
                return start(a, (Closer) calls("start", Args.class).invoke(null, a));
            case "producer.start":
                return start(a, Producer.start(a));
            case "push.start":
                return start(a, PushConsumer.start(a));
            case "lite.start":
                return start(a, LitePull.start(a));
            case "pull.start":
                return start(a, OldPull.start(a));
            case "shutdown":
                Closer client = clients.remove(a.str("client"));
                if (client != null) {
                    client.shutdown();
                }
                return null;
            default:
                return onClient(op, a);
        }
    }

    /** The admin library comes with release 5.5.0 only, so its class may not be there. */
    private static Method calls(String name, Class<?>... types) throws ReflectiveOperationException {
        Method m = Class.forName("gantry.driver.MqAdminCalls").getDeclaredMethod(name, types);
        m.setAccessible(true);
        return m;
    }

    private Object start(Args a, Closer client) {
        Closer old = clients.put(a.str("client"), client);
        if (old != null) {
            old.shutdown();
            throw new IllegalStateException("two clients are named " + a.str("client"));
        }
        return null;
    }

    private Object onClient(String op, Args a) throws Exception {
        Closer client = clients.get(a.str("client"));
        if (client == null) {
            throw new IllegalStateException("no client is named " + a.str("client"));
        }
        if (op.equals("calls.call")) {
            return calls("call", String.class, String[].class).invoke(client, a.str("method"), a.strings("args"));
        }
        if (client instanceof Producer) {
            return ((Producer) client).run(op, a);
        }
        if (client instanceof LitePull) {
            return ((LitePull) client).run(op, a);
        }
        if (client instanceof OldPull) {
            return ((OldPull) client).run(op, a);
        }
        return ((PushConsumer) client).run(op, a);
    }
}
