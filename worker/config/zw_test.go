package config
import ("testing";"os";"bufio";"encoding/json";"fmt";"github.com/millwright-connect/millwright/connectors/connect";"github.com/millwright-connect/millwright/test/vectors")
func TestZW(t *testing.T){
 ps:=javaPlugins()
 in,_:=os.Open("/tmp/jv/wz.jsonl"); out,_:=os.Open("/tmp/jv/wz.out")
 a,b:=bufio.NewScanner(in),bufio.NewScanner(out); a.Buffer(nil,1<<24); b.Buffer(nil,1<<24); bad,n:=0,0
 for a.Scan()&&b.Scan(){
  var q struct{Class string; Input connect.Props}; json.Unmarshal(a.Bytes(),&q)
  var r struct{Output json.RawMessage; Error string}; json.Unmarshal(b.Bytes(),&r)
  m:=Distributed; if q.Class=="S"{m=Standalone}
  _,err:=ParseWorker(q.Input,m,ps); n++
  e:=""; if err!=nil{e=err.Error()}
  if e!=r.Error { bad++; if bad<25{fmt.Println("GOT",e,"| WANT",r.Error,q.Input)}; continue}
  if e!=""{continue}
  got:=parsed(WorkerDef(m,ps),q.Input)
  b,_:=json.Marshal(r.Output)
  if err:=vectors.DiffJSON(b,got);err!=nil{bad++; if bad<10{fmt.Println(q.Input); var x,y map[string]any; json.Unmarshal(b,&x); g,_:=json.Marshal(got); json.Unmarshal(g,&y); for k:=range x{ if fmt.Sprint(x[k])!=fmt.Sprint(y[k]){fmt.Println("  ",k,x[k],y[k])}}}}
 }
 fmt.Println(n,bad)
}
