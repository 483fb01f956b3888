package gantry.driver;

import org.apache.rocketmq.client.MQAdmin;
import org.apache.rocketmq.client.QueryResult;

/** What the library's own MQAdmin face offers on producers and old pull consumers: offsets and queries. */
final class Offsets {
    private Offsets() {
    }

    static Object run(String op, Args a, MQAdmin admin) throws Exception {
        switch (op.substring(op.indexOf('.') + 1)) {
            case "minOffset":
                return admin.minOffset(a.queue());
            case "maxOffset":
                return admin.maxOffset(a.queue());
            case "searchOffset":
                return admin.searchOffset(a.queue(), a.big("timestamp", 0));
            case "earliestStoreTime":
                return admin.earliestMsgStoreTime(a.queue());
            case "view":
                return Reports.message(view(admin, a));
            case "query":
                QueryResult r = admin.queryMessage(a.str("topic"), a.str("key"), a.num("max", 32), a.big("begin", 0),
                    a.big("end", Long.MAX_VALUE));
                return Reports.messages(r.getMessageList());
            default:
                throw new IllegalArgumentException("unknown operation " + op);
        }
    }

    private static org.apache.rocketmq.common.message.MessageExt view(MQAdmin admin, Args a) throws Exception {
        return admin.viewMessage(a.str("topic"), a.str("msgId"));
    }
}
