package org.apache.kafka.connect.mirror;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import java.util.*;
import java.io.*;
public class Gen {
  static String hex(byte[] b){ StringBuilder s=new StringBuilder(); for(byte x:b) s.append(String.format("%02x",x)); return s.toString(); }
  static String q(String s){ StringBuilder b=new StringBuilder("\""); for(char c: s.toCharArray()){ if(c=='"'||c=='\\') b.append('\\').append(c); else if(c<32||c>126) b.append(String.format("\\u%04x",(int)c)); else b.append(c);} return b.append('"').toString(); }
  static String qn(String s){ return s==null?"null":q(s); }
  static class Store extends OffsetSyncStore {
    Store(boolean must){ super(); initializationMustReadToEnd=must; }
    @Override void backingStoreStart(){}
    void put(TopicPartition tp,long up,long down){ OffsetSync o=new OffsetSync(tp,up,down); handleRecord(new ConsumerRecord<>("x",0,0L,o.recordKey(),o.recordValue())); }
  }
  public static void main(String[] a) throws Exception {
    PrintWriter w=new PrintWriter(new FileWriter(a[0]+"/wire.jsonl"));
    String[] topics={"t","plant.line-1","\u00e9\u4e2d","a.b.c",""}; long[] nums={0,1,-1,12345678901L,Long.MAX_VALUE,Long.MIN_VALUE};
    for(String t:topics) for(int i=0;i<nums.length;i++){ int p=i*1000; long u=nums[i], d=nums[(i+2)%nums.length];
      OffsetSync o=new OffsetSync(new TopicPartition(t,p),u,d);
      w.printf("{\"kind\":\"sync\",\"topic\":%s,\"partition\":%d,\"upstream\":%d,\"downstream\":%d,\"key\":\"%s\",\"value\":\"%s\"}%n",q(t),p,u,d,hex(o.recordKey()),hex(o.recordValue()));
      Checkpoint c=new Checkpoint("g"+t,new TopicPartition(t,p),u,d,"m"+t);
      w.printf("{\"kind\":\"checkpoint\",\"group\":%s,\"topic\":%s,\"partition\":%d,\"upstream\":%d,\"downstream\":%d,\"metadata\":%s,\"key\":\"%s\",\"value\":\"%s\"}%n",q("g"+t),q(t),p,u,d,q("m"+t),hex(c.recordKey()),hex(c.recordValue()));
      Heartbeat h=new Heartbeat("s"+t,"d"+t,u);
      w.printf("{\"kind\":\"heartbeat\",\"source\":%s,\"target\":%s,\"timestamp\":%d,\"key\":\"%s\",\"value\":\"%s\"}%n",q("s"+t),q("d"+t),u,hex(h.recordKey()),hex(h.recordValue()));
    }
    w.close();
    w=new PrintWriter(new FileWriter(a[0]+"/policy.jsonl"));
    String[] names={"t","a.t","b.t","b.a.t","a.b.t",".t","t.","a..t","heartbeats","a.heartbeats","b.a.heartbeats","xheartbeats","a.checkpoints.internal","mm2-offset-syncs.b.internal","mm2-offset-syncs-b-internal","mm2x.internal","x.internal","x-internal","__consumer_offsets",".hidden","a-t","b-a-t","a-checkpoints-internal","..","a-","-","a--t","b-heartbeats"};
    for(boolean id:new boolean[]{false,true}) for(String sep:new String[]{null,".","-","::"}) for (String own:new String[]{null,"true","false"}) { if(sep==null&&own!=null&&own.equals("true")) continue;
      Map<String,String> props=new HashMap<>(); props.put("source.cluster.alias","a"); if(sep!=null) props.put("replication.policy.separator",sep); if(own!=null) props.put("replication.policy.internal.topic.separator.enabled",own);
      DefaultReplicationPolicy p=id?new IdentityReplicationPolicy():new DefaultReplicationPolicy(); p.configure(props);
      MirrorSourceConnector c=new MirrorSourceConnector(new SourceAndTarget("a","b"),p,(TopicFilter) x->true,(ConfigPropertyFilter) x->true);
      for(String n:names) w.printf("{\"identity\":%s,\"separator\":%s,\"own\":%s,\"topic\":%s,\"remote\":%s,\"source\":%s,\"upstream\":%s,\"original\":%s,\"heartbeats\":%s,\"internal\":%s,\"cycle\":%s,\"wanted\":%s,\"syncs\":%s,\"checkpoints\":%s}%n",id,qn(sep),qn(own),q(n),q(p.formatRemoteTopic("a",n)),qn(p.topicSource(n)),qn(p.upstreamTopic(n)),q(p.originalTopic(n)),p.isHeartbeatsTopic(n),p.isInternalTopic(n),c.isCycle(n),c.shouldReplicateTopic(n),q(p.offsetSyncsTopic("b")),q(p.checkpointsTopic("a")));
    }
    w.close();
    w=new PrintWriter(new FileWriter(a[0]+"/syncs.jsonl"));
    Random r=new Random(42); TopicPartition tp=new TopicPartition("t",0);
    for(int k=0;k<60;k++){ boolean must=k%3==0; Store s=new Store(must); long up=r.nextInt(5), down=r.nextInt(5); int n=1+r.nextInt(k<50?40:120); int startAt=r.nextInt(n+1);
      StringBuilder b=new StringBuilder(); b.append("{\"latest\":").append(must).append(",\"steps\":[");
      for(int i=0;i<n;i++){ if(i==startAt) s.start(must);
        s.put(tp,up,down); b.append(i==0?"":",").append("[").append(i>=startAt?1:0).append(",").append(up).append(",").append(down);
        b.append("]");
        int m=r.nextInt(20); long step= m<8?1+r.nextInt(3): m<14?100: m<17? r.nextInt(100000): m==17?0: m==18? -r.nextInt((int)Math.min(up+1,500)) : 1L<<r.nextInt(40);
        if(k>=55 && i==n/2) step=Long.MAX_VALUE-up-1-r.nextInt(1000);
        if(up+step<0) step=0; up+=step; down+=Math.max(0,step-r.nextInt(2)); }
      s.start(must);
      b.append("],\"slots\":["); for(int i=0;i<64;i++){ OffsetSync o=s.syncFor(tp,i); b.append(i==0?"":",").append("[").append(o.upstreamOffset()).append(",").append(o.downstreamOffset()).append("]"); }
      b.append("],\"asked\":["); boolean first=true;
      for(int i=0;i<40;i++){ OffsetSync o=s.syncFor(tp,r.nextInt(64)); long ask=Math.max(0,o.upstreamOffset()+r.nextInt(5)-2); OptionalLong d=s.translateDownstream("g",tp,ask); b.append(first?"":",").append("[").append(ask).append(",").append(d.getAsLong()).append("]"); first=false; }
      w.println(b.append("]}")); }
    w.close();
  }
}
