package gantry.driver;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.cli.CommandLine;
import org.apache.commons.cli.DefaultParser;
import org.apache.commons.cli.Options;
import org.apache.commons.cli.ParseException;
import org.apache.rocketmq.remoting.RPCHook;
import org.apache.rocketmq.srvutil.ServerUtil;
import org.apache.rocketmq.tools.command.MQAdminStartup;
import org.apache.rocketmq.tools.command.SubCommand;

/** Runs the official admin tool inside this process: starting a JVM for each command costs seconds. */
public final class MqAdmin {
    private static final String NAMESRV = "rocketmq.namesrv.addr";

    private MqAdmin() {
    }

    /**
     * Runs one command as the tool's own main would and returns what it printed to standard output and
     * standard error together. A command line that the tool would leave with System.exit is not run:
     * {@code exits} is then true, and only a process of its own can tell what it prints.
     */
    public static synchronized Map<String, Object> run(String[] args) throws Exception {
        Map<String, Object> result = new LinkedHashMap<>();
        if (exits(args)) {
            result.put("exits", true);
            return result;
        }
        ByteArrayOutputStream captured = new ByteArrayOutputStream();
        PrintStream out = System.out;
        PrintStream err = System.err;
        PrintStream to = new PrintStream(captured, true, "UTF-8");
        System.setOut(to);
        System.setErr(to);
        try {
            reset();
            MQAdminStartup.main0(args, null);
        } finally {
            System.setOut(out);
            System.setErr(err);
            reset();
        }
        to.flush();
        result.put("exits", false);
        result.put("output", captured.toString(StandardCharsets.UTF_8));
        return result;
    }

    /** Every run of the tool adds all commands to a static list and leaves its name server in a property. */
    private static void reset() throws Exception {
        commands().clear();
        System.clearProperty(NAMESRV);
    }

    @SuppressWarnings("unchecked")
    private static List<SubCommand> commands() throws Exception {
        Field f = MQAdminStartup.class.getDeclaredField("SUB_COMMANDS");
        f.setAccessible(true);
        return (List<SubCommand>) f.get(null);
    }

    /** Parses as the tool does: a wrong command line and -h make it print its usage and exit. */
    private static boolean exits(String[] args) throws Exception {
        if (args.length == 0 || args[0].equals("help")) {
            return false;
        }
        reset();
        MQAdminStartup.initCommand();
        Method find = MQAdminStartup.class.getDeclaredMethod("findSubCommand", String.class);
        find.setAccessible(true);
        SubCommand command = (SubCommand) find.invoke(null, args[0]);
        if (command == null) {
            return false;
        }
        Options options = command.buildCommandlineOptions(ServerUtil.buildCommandlineOptions(new Options()));
        try {
            CommandLine line = new DefaultParser().parse(options, Arrays.copyOfRange(args, 1, args.length));
            return line.hasOption('h');
        } catch (ParseException e) {
            return true;
        }
    }
}
