package gantry.driver;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.MessageQueueSelector;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Commands {@code producer.*}. */
final class Producer implements Main.Closer {
    /** User properties of a transaction's message that script the local executor and the check. */
    private static final String LOCAL = "driver_local";
    private static final String CHECK = "driver_check";

    private final DefaultMQProducer producer;

    private Producer(DefaultMQProducer producer) {
        this.producer = producer;
    }

    static Producer start(Args a) throws Exception {
        String group = a.str("group");
        DefaultMQProducer p = a.flag("transaction") ? transactional(a, group) : new DefaultMQProducer(group, a.flag("trace"), a.str("traceTopic", null));
        a.configure(p);
        p.setSendMsgTimeout(a.num("timeoutMs", 10000));
        p.setRetryTimesWhenSendFailed(a.num("retries", 0));
        p.setRetryTimesWhenSendAsyncFailed(a.num("retries", 0));
        p.setMaxMessageSize(a.num("maxMessageSize", 64 << 20));
        if (a.has("compressOver")) {
            p.setCompressMsgBodyOverHowmuch(a.num("compressOver", 0));
        }
        if (a.has("createTopicKey")) {
            p.setCreateTopicKey(a.str("createTopicKey"));
        }
        if (a.has("queueNums")) {
            p.setDefaultTopicQueueNums(a.num("queueNums", 4));
        }
        if (a.has("vip")) {
            p.setVipChannelEnabled(a.flag("vip"));
        }
        if (a.has("autoBatch")) {
            // since 5.1.4
            DefaultMQProducer.class.getMethod("setAutoBatch", boolean.class).invoke(p, a.flag("autoBatch"));
        }
        p.start();
        return new Producer(p);
    }

    private static TransactionMQProducer transactional(Args a, String group) {
        String client = a.str("client");
        // Releases that trace by a constructor with the namespace alone have it in common.
        TransactionMQProducer p = new TransactionMQProducer(null, group, null, a.flag("trace"), null);
        p.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message msg, Object arg) {
                return state(msg.getUserProperty(LOCAL));
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt msg) {
                Map<String, Object> e = Reports.event("check", client);
                e.put("message", Reports.message(msg));
                Main.write(e);
                return state(msg.getUserProperty(CHECK));
            }
        });
        return p;
    }

    private static LocalTransactionState state(String name) {
        if ("THROW".equals(name)) {
            throw new IllegalStateException("scripted failure of the local transaction");
        }
        return name == null ? LocalTransactionState.UNKNOW : LocalTransactionState.valueOf(name);
    }

    Object run(String op, Args a) throws Exception {
        switch (op) {
            case "producer.send":
                return send(a);
            case "producer.async":
                return async(a);
            case "producer.oneway":
                oneway(a);
                return null;
            case "producer.batch":
                return batch(a);
            case "producer.transaction":
                return Reports.sent(producer.sendMessageInTransaction(a.sub("message").message(), null));
            case "producer.request":
                return Reports.message(producer.request(a.sub("message").message(), a.big("timeoutMs", 10000)));
            case "producer.recall":
                // since 5.3.3
                return DefaultMQProducer.class.getMethod("recallMessage", String.class, String.class)
                    .invoke(producer, a.str("topic"), a.str("handle"));
            case "producer.queues":
                return Reports.queues(producer.fetchPublishMessageQueues(a.str("topic")));
            case "producer.createTopic":
                createTopic(a);
                return null;
            default:
                return Offsets.run(op, a, producer);
        }
    }

    private Object send(Args a) throws Exception {
        Message m = a.sub("message").message();
        if (a.has("shardingKey")) {
            return Reports.sent(producer.send(m, new SelectMessageQueueByHash(), a.str("shardingKey")));
        }
        if (a.has("selectQueue")) {
            MessageQueueSelector byId = (queues, msg, arg) -> queues.get((Integer) arg % queues.size());
            return Reports.sent(producer.send(m, byId, a.num("selectQueue", 0)));
        }
        if (a.has("queue")) {
            return Reports.sent(producer.send(m, to(a, m)));
        }
        return Reports.sent(producer.send(m));
    }

    private static MessageQueue to(Args a, Message m) {
        return new MessageQueue(m.getTopic(), a.str("broker"), a.num("queue", 0));
    }

    private Object async(Args a) throws Exception {
        Message m = a.sub("message").message();
        CompletableFuture<SendResult> done = new CompletableFuture<>();
        SendCallback callback = new SendCallback() {
            @Override
            public void onSuccess(SendResult r) {
                done.complete(r);
            }

            @Override
            public void onException(Throwable t) {
                done.completeExceptionally(t);
            }
        };
        if (a.has("queue")) {
            producer.send(m, to(a, m), callback);
        } else {
            producer.send(m, callback);
        }
        return Reports.sent(done.get());
    }

    private void oneway(Args a) throws Exception {
        Message m = a.sub("message").message();
        if (a.has("queue")) {
            producer.sendOneway(m, to(a, m));
        } else {
            producer.sendOneway(m);
        }
    }

    private Object batch(Args a) throws Exception {
        List<Message> batch = new ArrayList<>();
        for (Args m : a.subs("messages")) {
            batch.add(m.message());
        }
        if (a.has("queue")) {
            return Reports.sent(producer.send(batch, to(a, batch.get(0))));
        }
        return Reports.sent(producer.send(batch));
    }

    /** The two releases differ in the last argument: 5.x takes attributes as well. */
    private void createTopic(Args a) throws Exception {
        String key = a.str("key", "TBW102");
        String topic = a.str("topic");
        int queues = a.num("queues", 4);
        try {
            DefaultMQProducer.class.getMethod("createTopic", String.class, String.class, int.class, Map.class)
                .invoke(producer, key, topic, queues, null);
        } catch (NoSuchMethodException e) {
            DefaultMQProducer.class.getMethod("createTopic", String.class, String.class, int.class)
                .invoke(producer, key, topic, queues);
        }
    }

    @Override
    public void shutdown() {
        producer.shutdown();
    }
}
