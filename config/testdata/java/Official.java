import java.io.PrintStream;
import java.lang.annotation.Annotation;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.apache.rocketmq.broker.BrokerController;
import org.apache.rocketmq.broker.BrokerStartup;
import org.apache.rocketmq.namesrv.NamesrvController;
import org.apache.rocketmq.namesrv.NamesrvStartup;

/**
 * Writes the golden files of package config with the classes of an official release: the members of its configuration
 * classes, and the configurations that a name server and a broker answer with.
 *
 *   javac -cp 'LIB/*' -d OUT Official.java && java -Drocketmq.home.dir=/HOME -Duser.home=/UHOME \
 *     --add-exports=java.base/sun.nio.ch=ALL-UNNAMED -XX:ActiveProcessorCount=2 -cp 'LIB/*:OUT' Official ..
 *
 * where LIB holds the jars of Apache RocketMQ 5.5.0. The name and address of the machine end up in the files.
 */
public class Official {
    private static PrintStream out;

    private static void members(String family, Object config) throws Exception {
        TreeMap<String, String> setters = new TreeMap<>();
        for (Method m : config.getClass().getMethods()) {
            if (m.getName().startsWith("set") && m.getParameterTypes().length > 0) {
                String key = m.getName().substring(3, 4).toLowerCase() + m.getName().substring(4);
                setters.put(key, m.getParameterTypes()[0].getSimpleName());
            }
        }
        List<Field> fields = new ArrayList<>();
        for (Class<?> c = config.getClass(); c != Object.class; c = c.getSuperclass()) {
            for (Field f : c.getDeclaredFields()) {
                if (!Modifier.isStatic(f.getModifiers()) && !f.getName().startsWith("this")) {
                    fields.add(f);
                }
            }
        }
        for (Field f : fields) {
            f.setAccessible(true);
            String mark = "";
            for (Annotation a : f.getAnnotations()) {
                if (a.annotationType().getSimpleName().equals("ImportantField")) {
                    mark += "I";
                }
            }
            if (f.getDeclaringClass() != config.getClass()) {
                mark += "H";
            }
            if (setters.remove(f.getName()) == null) {
                mark += "S";
            }
            out.println(String.join("\t", family, f.getName(), f.getType().getSimpleName(), mark, String.valueOf(f.get(config))));
        }
        for (String key : setters.keySet()) {
            out.println(String.join("\t", family, key, setters.get(key), "F", "null"));
        }
    }

    private static void answer(Path file, String text) throws Exception {
        Files.writeString(file, text);
    }

    public static void main(String[] args) throws Exception {
        Path dir = Path.of(args[0]);
        out = new PrintStream(Files.newOutputStream(dir.resolve("official-keys.txt")), false, "UTF-8");
        members("namesrv", new org.apache.rocketmq.common.namesrv.NamesrvConfig());
        members("nettyServer", new org.apache.rocketmq.remoting.netty.NettyServerConfig());
        members("nettyClient", new org.apache.rocketmq.remoting.netty.NettyClientConfig());
        members("broker", new org.apache.rocketmq.common.BrokerConfig());
        members("store", new org.apache.rocketmq.store.config.MessageStoreConfig());
        members("controller", new org.apache.rocketmq.common.ControllerConfig());
        members("auth", new org.apache.rocketmq.auth.config.AuthConfig());
        members("proxy", new org.apache.rocketmq.proxy.config.ProxyConfig());
        members("tieredStore", new org.apache.rocketmq.tieredstore.MessageStoreConfig());
        out.close();

        for (String name : new String[] {"empty", "sample"}) {
            String conf = dir.resolve(name + ".conf").toString();
            BrokerController broker = BrokerStartup.buildBrokerController(BrokerStartup.parseCmdLine(new String[] {"-c", conf}));
            answer(dir.resolve("broker-" + name + ".txt"), broker.getConfiguration().getAllConfigsFormatString());
            NamesrvStartup.parseCommandlineAndConfigFile(new String[] {"-c", conf});
            NamesrvController namesrv = NamesrvStartup.createNamesrvController();
            answer(dir.resolve("namesrv-" + name + ".txt"), namesrv.getConfiguration().getAllConfigsFormatString());
        }
        System.exit(0);
    }
}
