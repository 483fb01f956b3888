package gantry.driver;

import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Commands {@code push.*}. Each message that arrives is an event before the listener answers, and the
 * listener answers as scripted: the first {@code failures} deliveries fail in the way that {@code failure}
 * names ({@code PART}: they succeed up to {@code ackIndex}), the first of a message with the body {@code hang}
 * gets no answer until the consumer is shut down, the others succeed.
 */
final class PushConsumer implements Main.Closer {
    private final DefaultMQPushConsumer consumer;
    private final CountDownLatch ended = new CountDownLatch(1);
    private DefaultMQProducer replier;

    private PushConsumer(DefaultMQPushConsumer consumer) {
        this.consumer = consumer;
    }

    static PushConsumer start(Args a) throws Exception {
        DefaultMQPushConsumer c = a.configure(new DefaultMQPushConsumer(a.str("group"), a.flag("trace"), a.str("traceTopic", null)));
        PushConsumer p = new PushConsumer(c);
        setModel(c, a.str("model", "CLUSTERING"));
        c.setConsumeFromWhere(ConsumeFromWhere.valueOf(a.str("from", "CONSUME_FROM_FIRST_OFFSET")));
        if (a.has("fromTimestamp")) {
            c.setConsumeTimestamp(a.str("fromTimestamp"));
        }
        c.setConsumeThreadMin(a.num("threads", 4));
        c.setConsumeThreadMax(a.num("threads", 4));
        c.setConsumeMessageBatchMaxSize(a.num("consumeBatch", 1));
        c.setPullBatchSize(a.num("pullBatch", 32));
        if (a.has("maxReconsume")) {
            c.setMaxReconsumeTimes(a.num("maxReconsume", -1));
        }
        if (a.has("suspendMs")) {
            c.setSuspendCurrentQueueTimeMillis(a.num("suspendMs", 1000));
        }
        if (a.has("clientRebalance")) {
            // since 5.0.0: false lets the broker assign queues, which POP consumption needs
            DefaultMQPushConsumer.class.getMethod("setClientRebalance", boolean.class).invoke(c, a.flag("clientRebalance"));
        }
        if (a.has("reply")) {
            p.replier = a.configure(new DefaultMQProducer(a.str("group") + "_replier"));
            p.replier.start();
        }
        if (a.has("sql")) {
            c.subscribe(a.str("topic"), MessageSelector.bySql(a.str("sql")));
        } else {
            c.subscribe(a.str("topic"), a.str("tags", "*"));
        }
        p.listen(a);
        try {
            c.start();
        } catch (Exception e) {
            p.shutdown();
            throw e;
        }
        return p;
    }

    /** MessageModel moved between packages in 5.0.0, so it is reached by reflection. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    private static void setModel(DefaultMQPushConsumer c, String name) throws Exception {
        for (Method m : DefaultMQPushConsumer.class.getMethods()) {
            if (m.getName().equals("setMessageModel")) {
                m.invoke(c, Enum.valueOf((Class<Enum>) m.getParameterTypes()[0], name));
            }
        }
    }

    private void listen(Args a) {
        String client = a.str("client");
        String failure = a.str("failure", "LATER");
        AtomicInteger failures = new AtomicInteger(a.num("failures", 0));
        int sleepMs = a.num("sleepMs", 0);
        if (a.flag("orderly")) {
            consumer.registerMessageListener((MessageListenerOrderly) (msgs, context) -> {
                report(client, msgs);
                pause(sleepMs);
                if (failures.getAndDecrement() <= 0) {
                    return ConsumeOrderlyStatus.SUCCESS;
                }
                return fail(failure) ? null : ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
            });
            return;
        }
        consumer.registerMessageListener((MessageListenerConcurrently) (msgs, context) -> {
            if (a.has("delayLevel")) {
                context.setDelayLevelWhenNextConsume(a.num("delayLevel", 0));
            }
            report(client, msgs);
            pause(sleepMs);
            if (a.has("hang") && msgs.stream().anyMatch(m -> m.getReconsumeTimes() == 0 && text(m).equals(a.str("hang")))) {
                hang();
            }
            if (replier != null) {
                reply(msgs, a.str("reply"));
            }
            if (failures.getAndDecrement() <= 0) {
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            }
            if (failure.equals("PART")) {
                context.setAckIndex(a.num("ackIndex", -1));
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            }
            return fail(failure) ? null : ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
    }

    /** Throws if the script says so; tells whether the listener shall return null. */
    private static boolean fail(String failure) {
        if (failure.equals("THROW")) {
            throw new IllegalStateException("scripted failure of the listener");
        }
        return failure.equals("NULL");
    }

    private static void report(String client, List<MessageExt> msgs) {
        Map<String, Object> e = Reports.event("message", client);
        e.put("messages", Reports.messages(msgs));
        e.put("thread", Thread.currentThread().getName());
        Main.write(e);
    }

    private static void pause(int ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void hang() {
        try {
            ended.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String text(MessageExt m) {
        return new String(m.getBody(), StandardCharsets.UTF_8);
    }

    private void reply(List<MessageExt> msgs, String prefix) {
        for (MessageExt m : msgs) {
            try {
                String body = prefix + text(m);
                replier.send(MessageUtil.createReplyMessage(m, body.getBytes(StandardCharsets.UTF_8)), 10000);
            } catch (Exception e) {
                Map<String, Object> event = Reports.event("replyFailed", consumer.getInstanceName());
                event.put("error", Reports.error(e));
                Main.write(event);
            }
        }
    }

    Object run(String op, Args a) throws Exception {
        switch (op) {
            case "push.assigned":
                return Reports.queues(consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet());
            case "push.suspend":
                consumer.suspend();
                return null;
            case "push.resume":
                consumer.resume();
                return null;
            case "push.persist":
                consumer.getDefaultMQPushConsumerImpl().persistConsumerOffset();
                return null;
            case "push.expire":
                expire();
                return null;
            case "push.sendBack":
                // clients send back by themselves; this is for a message that was consumed long ago
                consumer.sendMessageBack(consumer.viewMessage(a.str("topic"), a.str("msgId")), a.num("delayLevel", 0));
                return null;
            default:
                return Offsets.run(op, a, consumer);
        }
    }

    /**
     * Has the client do now what it does once in each consumeTimeout, and take every message that a listener has
     * begun with for one that hangs. By itself it does so after whole minutes.
     */
    private void expire() throws Exception {
        consumer.setConsumeTimeout(0);
        Object service = consumer.getDefaultMQPushConsumerImpl().getConsumeMessageService();
        Method clean = service.getClass().getDeclaredMethod("cleanExpireMsg");
        clean.setAccessible(true);
        clean.invoke(service);
    }

    @Override
    public void shutdown() {
        ended.countDown();
        consumer.shutdown();
        if (replier != null) {
            replier.shutdown();
        }
    }
}
