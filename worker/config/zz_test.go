package config_test
import ("testing";"os";"bufio";"encoding/json";"fmt";"strings";"github.com/millwright-connect/millwright/connectors/connect";"github.com/millwright-connect/millwright/worker/config";"github.com/millwright-connect/millwright/test/vectors")
func TestZZ(t *testing.T){
 ps:=javaPlugins()
 in,_:=os.Open(os.Getenv("ZZIN")); out,_:=os.Open(os.Getenv("ZZOUT"))
 a,b:=bufio.NewScanner(in),bufio.NewScanner(out); a.Buffer(nil,1<<24); b.Buffer(nil,1<<24)
 bad,n:=0,0
 for a.Scan()&&b.Scan(){
  var q struct{Policy string; Input map[string]*string}; json.Unmarshal(a.Bytes(),&q)
  var r struct{Output json.RawMessage; Error string}; json.Unmarshal(b.Bytes(),&r)
  if q.Policy==""{q.Policy="All"}
  p:=connect.Props{}; for k,v:=range q.Input{ if v==nil{p[k]=connect.Null}else{p[k]=*v}}
  w,_:=config.ParseWorker(connect.Props{"bootstrap.servers": "b:1", "key.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter","offset.storage.file.filename": "f", "connector.client.config.override.policy": q.Policy}, config.Standalone, ps)
  got,err:=config.Validate(t.Context(),ps,w,p); n++
  if r.Error!="" || err!=nil {
    if err==nil || r.Error=="" { bad++; if bad<25 {fmt.Println("ERRDIFF",err,"| want",r.Error,"|",string(a.Bytes()))}; continue }
    want:=r.Error[strings.Index(r.Error,": ")+2:]
    if want!=err.Error() && !strings.HasPrefix(r.Error,"java.lang.NullP") { bad++; if bad<25 {fmt.Println("MSGDIFF",err,"| want",want,string(a.Bytes()))}}
    continue
  }
  v:=&vectors.Vector{Op:"validate.full",Output:r.Output}
  if err:=diffInfos(v,got);err!=nil{ bad++; if bad<12 {fmt.Println("DIFF",err,"\n   ",string(a.Bytes()))}}
 }
 fmt.Println(n,bad)
}
