package gantry.driver;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageQueue;

/** Commands {@code lite.*}: the lite pull consumer, subscribed or with queues assigned by hand. */
final class LitePull implements Main.Closer {
    private final DefaultLitePullConsumer consumer;

    private LitePull(DefaultLitePullConsumer consumer) {
        this.consumer = consumer;
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    static LitePull start(Args a) throws Exception {
        DefaultLitePullConsumer c = a.configure(new DefaultLitePullConsumer(a.str("group")));
        c.setConsumeFromWhere(ConsumeFromWhere.valueOf(a.str("from", "CONSUME_FROM_FIRST_OFFSET")));
        c.setAutoCommit(!a.has("autoCommit") || a.flag("autoCommit"));
        c.setPullThreadNums(a.num("pullThreads", 2));
        c.setPullBatchSize(a.num("pullBatch", 10));
        for (Method m : DefaultLitePullConsumer.class.getMethods()) {
            if (m.getName().equals("setMessageModel")) {
                m.invoke(c, Enum.valueOf((Class<Enum>) m.getParameterTypes()[0], a.str("model", "CLUSTERING")));
            }
        }
        if (a.has("sql")) {
            c.subscribe(a.str("topic"), MessageSelector.bySql(a.str("sql")));
        } else if (a.has("topic")) {
            c.subscribe(a.str("topic"), a.str("tags", "*"));
        }
        c.start();
        return new LitePull(c);
    }

    Object run(String op, Args a) throws Exception {
        switch (op) {
            case "lite.poll":
                return Reports.messages(consumer.poll(a.big("timeoutMs", 5000)));
            case "lite.queues":
                return Reports.queues(consumer.fetchMessageQueues(a.str("topic")));
            case "lite.assign":
                List<MessageQueue> queues = new ArrayList<>();
                for (Args q : a.subs("queues")) {
                    queues.add(q.queue());
                }
                consumer.assign(queues);
                return null;
            case "lite.assigned":
                return Reports.queues(consumer.assignment());
            case "lite.seek":
                consumer.seek(a.queue(), a.big("offset", 0));
                return null;
            case "lite.seekToBegin":
                consumer.seekToBegin(a.queue());
                return null;
            case "lite.seekToEnd":
                consumer.seekToEnd(a.queue());
                return null;
            case "lite.commit":
                commit();
                return null;
            case "lite.committed":
                return consumer.committed(a.queue());
            case "lite.searchOffset":
                return consumer.offsetForTimestamp(a.queue(), a.big("timestamp", 0));
            default:
                throw new IllegalArgumentException("unknown operation " + op);
        }
    }

    /** commitSync was renamed commit in 5.x and kept as deprecated. */
    private void commit() throws Exception {
        Method m;
        try {
            m = DefaultLitePullConsumer.class.getMethod("commit");
        } catch (NoSuchMethodException e) {
            m = DefaultLitePullConsumer.class.getMethod("commitSync");
        }
        m.invoke(consumer);
    }

    @Override
    public void shutdown() {
        consumer.shutdown();
    }
}
