package gantry.driver;

import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.common.message.MessageQueue;

/** Commands {@code pull.*}: the deprecated pull consumer, whose every call is one request. */
@SuppressWarnings("deprecation")
final class OldPull implements Main.Closer {
    private final DefaultMQPullConsumer consumer;

    private OldPull(DefaultMQPullConsumer consumer) {
        this.consumer = consumer;
    }

    static OldPull start(Args a) throws Exception {
        DefaultMQPullConsumer c = a.configure(new DefaultMQPullConsumer(a.str("group")));
        if (a.has("topic")) {
            c.registerMessageQueueListener(a.str("topic"), null);
        }
        c.start();
        return new OldPull(c);
    }

    Object run(String op, Args a) throws Exception {
        switch (op) {
            case "pull.queues":
                return Reports.queues(consumer.fetchSubscribeMessageQueues(a.str("topic")));
            case "pull.pull":
                return Reports.pulled(pull(a));
            case "pull.updateOffset":
                consumer.updateConsumeOffset(a.queue(), a.big("offset", 0));
                return null;
            case "pull.commit":
                // sends the offset at once, where updateOffset waits for the timer
                consumer.getDefaultMQPullConsumerImpl().getOffsetStore().updateConsumeOffsetToBroker(a.queue(), a.big("offset", 0), false);
                return null;
            case "pull.fetchOffset":
                return consumer.fetchConsumeOffset(a.queue(), a.flag("fromStore"));
            case "pull.sendBack":
                consumer.sendMessageBack(consumer.viewMessage(a.str("topic"), a.str("msgId")), a.num("delayLevel", 0), a.str("broker"));
                return null;
            default:
                return Offsets.run(op, a, consumer);
        }
    }

    private PullResult pull(Args a) throws Exception {
        MessageQueue q = a.queue();
        long offset = a.big("offset", 0);
        int max = a.num("max", 32);
        if (a.flag("block")) {
            return consumer.pullBlockIfNotFound(q, a.str("tags", "*"), offset, max);
        }
        if (a.has("sql")) {
            return consumer.pull(q, MessageSelector.bySql(a.str("sql")), offset, max);
        }
        return consumer.pull(q, a.str("tags", "*"), offset, max, a.big("timeoutMs", 10000));
    }

    @Override
    public void shutdown() {
        consumer.shutdown();
    }
}
