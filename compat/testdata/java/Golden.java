import com.alibaba.fastjson2.JSON;
import com.alibaba.fastjson2.JSONWriter.Feature;
import java.io.ByteArrayInputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.DataVersion;
import org.apache.rocketmq.remoting.protocol.LanguageCode;
import org.apache.rocketmq.remoting.protocol.RemotingSerializable;
import org.apache.rocketmq.remoting.protocol.admin.ConsumeStats;
import org.apache.rocketmq.remoting.protocol.admin.OffsetWrapper;
import org.apache.rocketmq.remoting.protocol.admin.TopicOffset;
import org.apache.rocketmq.remoting.protocol.admin.TopicStatsTable;
import org.apache.rocketmq.remoting.protocol.body.*;
import org.apache.rocketmq.remoting.protocol.heartbeat.*;
import org.apache.rocketmq.remoting.protocol.route.*;
import org.apache.rocketmq.remoting.protocol.subscription.*;

/**
 * Writes the golden files of package compat with the classes of an official release.
 *
 *   javac -cp 'LIB/*' -d OUT Golden.java && java -cp 'LIB/*:OUT' Golden ..
 *
 * where LIB holds the jars of Apache RocketMQ 5.5.0.
 */
public class Golden {
    private static PrintStream out;

    private static void body(String type, Object body) {
        section(type, "compact", new String(RemotingSerializable.encode(body), StandardCharsets.UTF_8));
        section(type, "pretty", RemotingSerializable.toJson(body, true));
        section(type, "standard", new String(
            JSON.toJSONBytes(body, StandardCharsets.UTF_8, Feature.BrowserCompatible, Feature.MapSortField), StandardCharsets.UTF_8));
    }

    private static void section(String type, String form, String text) {
        out.print("-- " + type + " " + form + " --\n" + text + "\n");
    }

    private static DataVersion version() {
        DataVersion v = new DataVersion();
        v.setTimestamp(1700000000000L);
        v.setStateVersion(3);
        return v;
    }

    private static BrokerData brokerData() {
        HashMap<Long, String> addrs = new HashMap<>();
        addrs.put(0L, "10.0.0.1:10911");
        addrs.put(2L, "10.0.0.3:10911");
        addrs.put(11L, "é<>&'/\u0001\u007f\u2028");
        BrokerData d = new BrokerData("cluster", "broker-a", addrs);
        d.setZoneName("z\u00e9\ud83d\ude00");
        return d;
    }

    private static SubscriptionData subscription() {
        SubscriptionData s = new SubscriptionData("T", "a || \"b\"");
        s.setSubVersion(1700000000001L);
        s.getTagsSet().add("a");
        s.getCodeSet().add(97);
        return s;
    }

    private static void bodies() throws Exception {
        TopicRouteData route = new TopicRouteData();
        QueueData queue = new QueueData();
        queue.setBrokerName("broker-a");
        queue.setPerm(6);
        queue.setReadQueueNums(4);
        queue.setWriteQueueNums(8);
        route.setQueueDatas(new ArrayList<>(List.of(queue)));
        route.setBrokerDatas(new ArrayList<>(List.of(brokerData())));
        HashMap<String, List<String>> filters = new HashMap<>();
        filters.put("10.0.0.1:10911", List.of());
        route.setFilterServerTable(filters);
        route.setOrderTopicConf("broker-a:4");
        body("TopicRouteData", route);

        ClusterInfo cluster = new ClusterInfo();
        cluster.setBrokerAddrTable(new HashMap<>(Map.of("broker-a", brokerData())));
        cluster.setClusterAddrTable(new HashMap<>(Map.of("cluster", new java.util.HashSet<>(List.of("broker-a")))));
        body("ClusterInfo", cluster);

        BrokerMemberGroup group = new BrokerMemberGroup("cluster", "broker-a");
        group.getBrokerAddrs().put(0L, "10.0.0.1:10911");
        body("BrokerMemberGroup", group);

        TopicConfigSerializeWrapper topics = new TopicConfigSerializeWrapper();
        topics.setDataVersion(version());
        TopicConfig topic = new TopicConfig("T", 4, 4, 6, 0);
        topic.getAttributes().put("message.type", "FIFO");
        topics.getTopicConfigTable().put("T", topic);
        body("TopicConfigSerializeWrapper", topics);

        TopicConfigAndMappingSerializeWrapper mapped = new TopicConfigAndMappingSerializeWrapper();
        mapped.setDataVersion(version());
        mapped.setMappingDataVersion(version());
        body("TopicConfigAndMappingSerializeWrapper", mapped);

        RegisterBrokerBody register = new RegisterBrokerBody();
        register.setTopicConfigSerializeWrapper(mapped);
        body("RegisterBrokerBody", register);

        SubscriptionGroupWrapper groups = new SubscriptionGroupWrapper();
        groups.setDataVersion(version());
        SubscriptionGroupConfig config = new SubscriptionGroupConfig();
        config.setGroupName("G");
        groups.getSubscriptionGroupTable().put("G", config);
        ConcurrentMap<String, Integer> forbidden = new ConcurrentHashMap<>();
        forbidden.put("T", 4);
        groups.getForbiddenTable().put("G", forbidden);
        body("SubscriptionGroupWrapper", groups);

        ConsumerOffsetSerializeWrapper offsets = new ConsumerOffsetSerializeWrapper();
        ConcurrentMap<Integer, Long> queues = new ConcurrentHashMap<>();
        for (int i = 0; i < 12; i++) {
            queues.put(i, 9007199254740990L + i);
        }
        offsets.getOffsetTable().put("T@G", queues);
        offsets.setDataVersion(version());
        body("ConsumerOffsetSerializeWrapper", offsets);

        HeartbeatData beat = new HeartbeatData();
        beat.setClientID("10.0.0.9@1");
        ConsumerData consumer = new ConsumerData();
        consumer.setGroupName("G");
        consumer.setConsumeType(ConsumeType.CONSUME_PASSIVELY);
        consumer.setMessageModel(MessageModel.CLUSTERING);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET);
        consumer.getSubscriptionDataSet().add(subscription());
        beat.getConsumerDataSet().add(consumer);
        ProducerData producer = new ProducerData();
        producer.setGroupName("P");
        beat.getProducerDataSet().add(producer);
        body("HeartbeatData", beat);

        LockBatchRequestBody lock = new LockBatchRequestBody();
        lock.setClientId("10.0.0.9@1");
        lock.setConsumerGroup("G");
        lock.getMqSet().add(new MessageQueue("T", "broker-a", 1));
        body("LockBatchRequestBody", lock);
        LockBatchResponseBody locked = new LockBatchResponseBody();
        locked.getLockOKMQSet().add(new MessageQueue("T", "broker-a", 1));
        body("LockBatchResponseBody", locked);

        ConsumeStats consume = new ConsumeStats();
        OffsetWrapper wrapper = new OffsetWrapper();
        wrapper.setBrokerOffset(12);
        consume.getOffsetTable().put(new MessageQueue("T", "broker-a", 0), wrapper);
        consume.setConsumeTps(12345678.5);
        body("ConsumeStats", consume);

        TopicStatsTable stats = new TopicStatsTable();
        stats.getOffsetTable().put(new MessageQueue("T", "broker-a", 0), new TopicOffset());
        stats.setTopicPutTps(0.00012);
        body("TopicStatsTable", stats);

        KVTable table = new KVTable();
        table.getTable().put("key", "value = \\ \"\t\n");
        body("KVTable", table);
        TopicList list = new TopicList();
        body("TopicList", list);

        ConsumerConnection connections = new ConsumerConnection();
        Connection connection = new Connection();
        connection.setClientId("10.0.0.9@1");
        connection.setClientAddr("10.0.0.9:4711");
        connection.setLanguage(LanguageCode.GO);
        connection.setVersion(317);
        connections.getConnectionSet().add(connection);
        connections.getSubscriptionTable().put("T", subscription());
        connections.setConsumeType(ConsumeType.CONSUME_ACTIVELY);
        body("ConsumerConnection", connections);

        BrokerStatsData day = new BrokerStatsData();
        day.setStatsDay(new BrokerStatsItem());
        day.setStatsHour(new BrokerStatsItem());
        day.setStatsMinute(new BrokerStatsItem());
        day.getStatsHour().setTps(1e-5);
        day.getStatsMinute().setAvgpt(1e21);
        body("BrokerStatsData", day);
    }

    /** Each case is a line of JSON: the file's bytes as Latin-1 text, and what was read. */
    private static void properties() throws Exception {
        String[] cases = {
            "a=b", "a:b", "a b", "a = b", "a\t:\tb", "a", "a=", "=b", ":b", "", "\n\r\n \n", "#c\n!d\na=b", " # c\n a=b", "a=b\\\n  c", "a=b\\\r\n\t c",
            "a=b\\\\\nc=d", "a\\=b=c", "a\\ b=c", "a\\:b:c", "a=b #c", "a= b ", "a=\\u00e9", "a=\\u4e2d\\u6587", "a=\u00e9", "a=\u00c3\u00a9", "a=\\t\\n\\r\\f|\\q\\\"",
            "a=1\na=2", "a==b", "a = = b", "a b=c", "a\\\n=b", "a=b\\", "a=b\\\\", "\\#a=b", "a=#b", "a\f=\fb", "a=C:\\dir\\name", "a=\\", "a\n=b", "a=b\r c=d",
            "a=b\\\n#c\nd=e", "a=b\\\n\nd=e", "rocketmqHome=/opt/x\nlistenPort = 10911 ", "a=\\u00", "a=\\uzzzz", "a=x\u0000y", "  a  b  c  ",
        };
        for (String c : cases) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("in", c);
            try {
                Properties p = new Properties();
                p.load(new ByteArrayInputStream(c.getBytes(StandardCharsets.ISO_8859_1)));
                row.put("out", new TreeMap<>(p));
            } catch (Exception e) {
                row.put("error", e.getMessage());
            }
            out.println(com.alibaba.fastjson.JSON.toJSONString(row, com.alibaba.fastjson.serializer.SerializerFeature.BrowserCompatible));
        }
    }

    public static void main(String[] args) throws Exception {
        Path dir = Path.of(args[0]);
        try (PrintStream file = new PrintStream(Files.newOutputStream(dir.resolve("bodies.txt")), false, "UTF-8")) {
            out = file;
            bodies();
        }
        try (PrintStream file = new PrintStream(Files.newOutputStream(dir.resolve("properties.txt")), false, "UTF-8")) {
            out = file;
            properties();
        }
    }
}
